import type { AgentId, Heartbeat, HeartbeatAnswer } from '@groundcrew/protocol';
import type { Executor } from '../../platform/database/index.ts';
import * as store from './store.ts';

export interface HeartbeatDeps {
  db: Executor;
  /** Milliseconds between log sends when nobody watches; what is watched is told by the renewal. */
  logIntervalMs: number;
}

/**
 * Takes a heartbeat and says what the server wants, attempt by attempt, so that an agent that only ever heartbeats over HTTP still
 * learns of a cancel. An attempt that has ended meanwhile is named `fenced`.
 */
export async function takeHeartbeat(
  { db, logIntervalMs }: HeartbeatDeps,
  agentId: AgentId,
  body: Heartbeat,
): Promise<HeartbeatAnswer> {
  await store.saveHeartbeat(db, agentId, body);
  const desired = await store.listDesired(db, agentId, body.current_tasks);
  const draining = await db.selectFrom('agents').select('draining').where('id', '=', agentId).executeTakeFirst();
  return {
    attempts: desired.map(({ attempt_id, task_id, cancel_level, ended }) => ({
      attempt_id,
      task_id,
      cancel_level,
      verdict: ended ? ('fenced' as const) : ('go_on' as const),
    })),
    drain: draining?.draining ?? false,
    log_interval_ms: logIntervalMs,
    configuration_revision: 0,
    renew_credentials: false,
  };
}
