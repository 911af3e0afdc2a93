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
  held?: store.Held,
): Promise<HeartbeatAnswer> {
  const { draining } = await store.saveHeartbeat(db, agentId, withOneName(body), held);
  return toAnswer(await store.listDesired(db, agentId, body.current_tasks), draining, logIntervalMs);
}

/** Agents of other makes call `mem_usage` `memory_usage`; whoever reads the record finds it under one name. */
function withOneName({ memory_usage, ...body }: Heartbeat): Heartbeat {
  return memory_usage === undefined ? body : { mem_usage: memory_usage, ...body };
}

/** What the server wants, as a heartbeat's answer and a hello's. */
export const toAnswer = (
  desired: readonly store.DesiredRow[],
  drain: boolean,
  logIntervalMs: number,
): HeartbeatAnswer => ({
  attempts: desired.map(({ ended, ...attempt }) => ({ ...attempt, verdict: ended ? 'fenced' : 'go_on' })),
  drain,
  log_interval_ms: logIntervalMs,
  configuration_revision: 0,
  renew_credentials: false,
});
