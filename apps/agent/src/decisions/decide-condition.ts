import type { AgentCondition } from '@groundcrew/protocol';

/** What is known of an agent's own state. */
export interface ConditionFacts {
  /** When it stopped, or began to. */
  leaving: 'no' | 'stopping' | 'stopped';
  /** Why it cannot work, such as a refused sign-on; undefined when nothing is wrong. */
  error: string | undefined;
  signedOn: boolean;
  draining: boolean;
  held: number;
  /** Heartbeats in a row that were not answered. */
  failedInARow: number;
  /** Since the process started. */
  uptimeMs: number;
  heartbeatIntervalMs: number;
}

/** Unanswered heartbeats in a row that make an agent unhealthy. */
const FAILED_UNTIL_OFFLINE = 3;

/** What the agent is doing in one word, and whether it is healthy. The first that holds counts. */
export function decideCondition(facts: ConditionFacts): { condition: AgentCondition; unhealthy: string | undefined } {
  const { leaving, error, signedOn, draining, held } = facts;
  if (leaving !== 'no') return { condition: leaving, unhealthy: error ?? 'the agent is leaving' };
  if (error !== undefined) return { condition: 'error', unhealthy: error };
  if (!signedOn) return { condition: 'starting', unhealthy: tooLong(facts) };
  if (facts.failedInARow >= FAILED_UNTIL_OFFLINE)
    return {
      condition: 'offline',
      unhealthy: `the server has not answered the last ${facts.failedInARow} heartbeats`,
    };
  if (draining) return { condition: 'draining', unhealthy: undefined };
  return { condition: held > 0 ? 'busy' : 'online', unhealthy: undefined };
}

/** A server that is away from the start on is missed as long as one that goes away later. */
const tooLong = ({ uptimeMs, heartbeatIntervalMs }: ConditionFacts): string | undefined =>
  uptimeMs > FAILED_UNTIL_OFFLINE * heartbeatIntervalMs ? 'the agent could not sign on yet' : undefined;
