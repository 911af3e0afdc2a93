import type { OrganizationId, PoolId, PoolQueue, QueueExplanation, QueueSummary, TaskId } from '@groundcrew/protocol';
import type { Database } from '../../../platform/database/index.ts';
import { choose } from './choose.ts';
import { explainWaiting } from './explain.ts';
import type { Snapshot } from './snapshot.ts';
import type { SnapshotReader } from './snapshot-reader.ts';
import { summarise } from './summarise.ts';

/** The queue as one organisation sees it: the very same choice, made now and not carried out. */
export interface QueueView {
  /** Why a task waits for an agent; undefined when it does not. */
  explain(organizationId: OrganizationId, taskId: TaskId): Promise<QueueExplanation | undefined>;
  /** The queue in numbers, of one pool or of all. */
  summarise(organizationId: OrganizationId, poolId?: PoolId): Promise<QueueSummary>;
}

/** Looking costs a reading and a choice; whoever asks at the same time shares them. */
export function createQueueView({ db, reader }: { db: Database; reader: SnapshotReader }): QueueView {
  let current: Promise<Snapshot> | undefined;

  /** Never one that was begun before the question: what was just changed must show. */
  function look(): Promise<Snapshot> {
    const before = current?.catch(() => undefined) ?? Promise.resolve();
    const mine = before.then(async () => (await reader.read(db)).snapshot);
    current = mine;
    return mine;
  }

  return {
    async explain(organizationId, taskId) {
      const snapshot = restrict(await look(), organizationId);
      return snapshot.tasks.some(({ id }) => id === taskId)
        ? explainWaiting(snapshot, choose(snapshot), taskId)
        : undefined;
    },
    async summarise(organizationId, poolId) {
      const whole = restrict(await look(), organizationId);
      const summary = summarise(whole);
      const wanted = (pool: PoolQueue) => poolId === undefined || pool.pool_id === poolId;
      return { ...summary, pools: summary.pools.filter(wanted) };
    },
  };
}

/** An organisation's own part; nothing of another one has a say in it. */
function restrict(snapshot: Snapshot, organizationId: OrganizationId): Snapshot {
  const pools = snapshot.pools.filter((pool) => pool.organizationId === organizationId);
  const mine = new Set(pools.map(({ id }) => id));
  return {
    ...snapshot,
    pools,
    tasks: snapshot.tasks.filter((task) => task.organizationId === organizationId),
    agents: snapshot.agents.filter(({ poolId }) => mine.has(poolId)),
    organizations: snapshot.organizations.filter(({ id }) => id === organizationId),
  };
}
