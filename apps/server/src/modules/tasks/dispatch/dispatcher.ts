import { type Logger, newId } from '@groundcrew/kit';
import type { AttemptId, QueueExplanation, TaskId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Database, type Executor, withSession } from '../../../platform/database/index.ts';
import { AppError } from '../../../platform/http/index.ts';
import type { Decider } from '../decide.ts';
import { type Assignment, type Choice, choose, type StillWaiting } from './choose.ts';
import type { Snapshot } from './snapshot.ts';
import { type ReadCandidates, readSnapshot, type Said } from './snapshot-store.ts';

export interface DispatcherDeps {
  db: Database;
  decider: Decider;
  readCandidates: ReadCandidates;
  silentOffersUntilSuspect: number;
  logger: Logger;
  /** Wakes whoever looks at a task whose reason to wait has changed. */
  wakeTask: (taskId: TaskId) => void;
}

/** Key of the advisory lock that lets one replica at a time give away slots, so that no agent is given more than it has. */
const DISPATCH_LOCK = 7_230_001;

/**
 * Reads the queue, chooses, offers. A pass holds an advisory lock over all replicas: slots are counted from rows, and two
 * passes at once would both see the same free slot. What the choice says of the rest is stored as the queue's explanation.
 */
export function createDispatcher(deps: DispatcherDeps) {
  const { db, decider, logger } = deps;

  /** One pass; the number of offers made. */
  async function pass(): Promise<number> {
    return withSession(db, async (connection) => {
      const locked = sql`SELECT pg_advisory_lock(${DISPATCH_LOCK})`.execute(connection);
      try {
        // Asked for together: the snapshot is taken behind the lock, in the same round trip.
        const [{ snapshot, said }] = await Promise.all([readSnapshot(connection, deps), locked]);
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

  async function offerAll(assignments: readonly Assignment[]): Promise<Assignment[]> {
    const offered: Assignment[] = [];
    for (const assignment of assignments) if (await offer(assignment)) offered.push(assignment);
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
    const poolOf = new Map(snapshot.agents.map(({ id, poolId }) => [id, poolId]));
    const last = new Map(offered.map(({ agentId }) => [poolOf.get(agentId), agentId]));
    const news = snapshot.pools.filter(({ id, lastAgentId }) => last.has(id) && last.get(id) !== lastAgentId);
    if (news.length === 0) return;
    const rows = JSON.stringify(news.map(({ id }) => ({ id, agent: last.get(id) })));
    await sql`UPDATE pools p SET last_agent_id = n.agent FROM jsonb_to_recordset(${rows}::jsonb) AS n(id text, agent text) WHERE p.id = n.id`.execute(
      connection,
    );
  }

  /** Writes why the rest waits, where that has changed. */
  async function tell(connection: Executor, waiting: readonly StillWaiting[], said: Said): Promise<void> {
    const news = waiting.filter(({ taskId, rule, sentence }) => {
      const known = said.get(taskId);
      return known?.rule !== rule || known.message !== sentence;
    });
    if (news.length === 0) return;
    const rows = JSON.stringify(
      news.map(({ taskId, rule, sentence }) => ({ id: taskId, waiting: { rule, message: sentence } })),
    );
    // A task that somebody decides about just now is left alone: it may not wait any more, and waiting for it could deadlock.
    await sql`UPDATE tasks t SET waiting = n.waiting FROM (
        SELECT w.id, n.waiting FROM jsonb_to_recordset(${rows}::jsonb) AS n(id text, waiting jsonb) JOIN tasks w ON w.id = n.id
        WHERE w.status = 'pending' AND w.attempt_id IS NULL FOR NO KEY UPDATE OF w SKIP LOCKED
      ) AS n WHERE t.id = n.id`.execute(connection);
    for (const { taskId } of news) deps.wakeTask(taskId);
  }

  /** Why a task waits, agent by agent: the very same choice, made now and not carried out. */
  async function explain(taskId: TaskId): Promise<QueueExplanation> {
    const { snapshot } = await readSnapshot(db, deps);
    const position = snapshot.tasks.findIndex((task) => task.id === taskId);
    if (position < 0)
      return {
        task_id: taskId,
        waiting: false,
        position: null,
        rule: null,
        message: 'The task does not wait for an agent.',
        agents: [],
      };
    return explainFrom(choose(snapshot), taskId, position + 1);
  }

  return { pass, explain };
}

function explainFrom(choice: Choice, taskId: TaskId, position: number): QueueExplanation {
  const found = choice.waiting.find((task) => task.taskId === taskId);
  if (found === undefined)
    return {
      task_id: taskId,
      waiting: true,
      position,
      rule: null,
      message: 'The task is next: it is being offered to an agent.',
      agents: [],
    };
  const agents = found.agents.map(({ agentId, name, reason, sentence }) => ({
    agent_id: agentId,
    name,
    reason,
    message: sentence,
  }));
  return { task_id: taskId, waiting: true, position, rule: found.rule, message: found.sentence, agents };
}
