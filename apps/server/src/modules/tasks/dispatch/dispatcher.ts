import { type Logger, newId } from '@groundcrew/kit';
import type { AttemptId, TaskId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Database, type Executor, named, withSession } from '../../../platform/database/index.ts';
import { AppError } from '../../../platform/http/index.ts';
import type { Decider } from '../decide.ts';
import { type Assignment, choose, type StillWaiting } from './choose.ts';
import type { Snapshot } from './snapshot.ts';
import type { Reading, SnapshotReader } from './snapshot-reader.ts';

export interface DispatcherDeps {
  db: Database;
  decider: Decider;
  reader: SnapshotReader;
  /** Offers many in one transaction, and gives those that were offered. */
  offerMany: (assignments: readonly Assignment[]) => Promise<Assignment[]>;
  logger: Logger;
  /** Wakes whoever looks at a task whose reason to wait has changed. */
  wakeTask: (taskId: TaskId) => void;
}

/** Key of the advisory lock that lets one replica at a time give away slots, so that no agent is given more than it has. */
const DISPATCH_LOCK = 7_230_001;
/** Offers of one transaction: enough to be worth it, few enough that the first agents need not wait for the last. */
const BATCH = 200;
/** Sentences written per pass: while it writes, nothing is given away. The rest follows with the next passes. */
const MOST_NEWS = 2_000;

/**
 * Reads the queue, chooses, offers. A pass holds an advisory lock over all replicas: slots are counted from rows, and two
 * passes at once would both see the same free slot. What the choice says of the rest is stored as the queue's explanation.
 */
export function createDispatcher({ db, decider, reader, offerMany, logger, wakeTask }: DispatcherDeps) {
  let turn: Promise<unknown> = Promise.resolve();

  /** One pass; the number of offers made. Passes of this replica come one after the other: they share what they remember. */
  function pass(): Promise<number> {
    const mine = turn.then(passOnce, passOnce);
    turn = mine;
    return mine;
  }

  async function passOnce(): Promise<number> {
    return withSession(db, async (connection) => {
      const locked = sql`SELECT pg_advisory_lock(${DISPATCH_LOCK})`.execute(connection);
      try {
        // Asked for together: the snapshot is taken behind the lock, in the same round trip.
        const [{ snapshot, said }] = await Promise.all([reader.read(connection), locked]);
        if (snapshot.tasks.length === 0) return 0;
        const choice = choose(snapshot);
        const offered = await offerAll(choice.assignments);
        await noteTurns(connection, snapshot, offered);
        await tell(connection, choice.waiting, said);
        return offered.length;
      } finally {
        await sql`SELECT pg_advisory_unlock(${DISPATCH_LOCK})`.execute(connection);
      }
    });
  }

  /** A single task takes the shortest way. Of many, those that the batch left out are tried one by one. */
  async function offerAll(assignments: readonly Assignment[]): Promise<Assignment[]> {
    const offered: Assignment[] = [];
    for (let from = 0; from < assignments.length; from += BATCH) {
      const batch = assignments.slice(from, from + BATCH);
      const done = batch.length > 1 ? await offerMany(batch) : [];
      offered.push(...done);
      const given = new Set(done.map(({ taskId }) => taskId));
      for (const assignment of batch) {
        if (!given.has(assignment.taskId) && (await offer(assignment))) offered.push(assignment);
      }
    }
    return offered;
  }

  /** A task that changed since the snapshot refuses to be assigned; the next pass sees it as it is. */
  async function offer({ taskId, agentId }: Assignment): Promise<boolean> {
    const attemptId = newId('att') as AttemptId;
    try {
      await decider.decide(taskId, { kind: 'assign', attemptId, agentId, firstInOrder: true });
      return true;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      logger.debug({ task_id: taskId, agent_id: agentId, code: error.code }, 'a task was not assigned after all');
      return false;
    }
  }

  /** Where each pool's turn goes on, once the offers are on their way; were it lost, an agent would be asked twice in a row. */
  async function noteTurns(connection: Executor, snapshot: Snapshot, offered: readonly Assignment[]): Promise<void> {
    if (offered.length === 0) return;
    const poolOf = new Map(snapshot.agents.map(({ id, poolId }) => [id, poolId]));
    const last = new Map(offered.map(({ agentId }) => [poolOf.get(agentId), agentId]));
    const news = snapshot.pools.filter(({ id, lastAgentId }) => last.has(id) && last.get(id) !== lastAgentId);
    if (news.length === 0) return;
    const rows = JSON.stringify(news.map(({ id }) => ({ id, agent: last.get(id) })));
    await sql`${named('note_turns')} UPDATE pools p SET last_agent_id = n.agent FROM jsonb_to_recordset(${rows}::jsonb) AS n(id text, agent text) WHERE p.id = n.id`.execute(
      connection,
    );
  }

  /** Writes why the rest waits, where that has changed. */
  async function tell(connection: Executor, waiting: readonly StillWaiting[], said: Reading['said']): Promise<void> {
    const news = waiting.filter((one) => isNews(one, said)).slice(0, MOST_NEWS);
    if (news.length === 0) return;
    const rows = JSON.stringify(
      news.map(({ taskId, rule, sentence }) => ({ id: taskId, waiting: { rule, message: sentence } })),
    );
    // A task that somebody decides about just now is left alone: it may not wait any more, and waiting for it could deadlock.
    await sql`${named('tell_waiting')} UPDATE tasks t SET waiting = n.waiting FROM (
        SELECT w.id, n.waiting FROM jsonb_to_recordset(${rows}::jsonb) AS n(id text, waiting jsonb) JOIN tasks w ON w.id = n.id
        WHERE w.status = 'pending' AND w.attempt_id IS NULL FOR NO KEY UPDATE OF w SKIP LOCKED
      ) AS n WHERE t.id = n.id`.execute(connection);
    for (const { taskId } of news) wakeTask(taskId);
  }

  return { pass };
}

function isNews({ task, rule, sentence }: StillWaiting, said: Reading['said']): boolean {
  const known = said.get(task.arrival)?.waiting;
  return known?.rule !== rule || known.message !== sentence;
}
