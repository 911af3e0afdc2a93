import type { AgentStatus } from '@groundcrew/protocol';

/** Silence after which an agent counts as offline. It decides nothing about its tasks: leases do. */
export const OFFLINE_AFTER_MS = { socket: 60_000, http: 90_000 } as const;
/** How often an agent is asked to send a heartbeat. */
export const HEARTBEAT_EVERY_SECONDS = 30;
/** A pull is a long poll of at most 25 s; an agent that pulls comes again within this. */
const PULLS_WITHIN_MS = 40_000;

export interface Liveness {
  lastHeartbeatAt: Date | null;
  lastMessageAt: Date | null;
  lastPullAt: Date | null;
  connectedReplica: string | null;
  reportedStatus: string | null;
  silentOffers: number;
  runningAttempts: number;
  /** It said that it leaves, and has not started again since. */
  left: boolean;
}

/** True while the command socket is open; a replica that died without a word cannot say that it closed. */
export const isConnected = (agent: Liveness, now: number): boolean =>
  !agent.left && agent.connectedReplica !== null && isWithin(agent.lastMessageAt, OFFLINE_AFTER_MS.socket, now);

/** True when an offer would reach the agent now. */
export const isReachable = (agent: Liveness, now: number): boolean =>
  isConnected(agent, now) || (!agent.left && isWithin(agent.lastPullAt, PULLS_WITHIN_MS, now));

/** It left, or nothing was heard of it for too long. */
export function isOffline(agent: Liveness, now: number): boolean {
  const silence = agent.connectedReplica === null ? OFFLINE_AFTER_MS.http : OFFLINE_AFTER_MS.socket;
  return agent.left || !isWithin(agent.lastHeartbeatAt, silence, now);
}

/**
 * What people see. `error` is said by the agent itself, or it left too many offers unanswered.
 *
 * @param suspectFrom unanswered offers that make it suspect, as configured (`leases.silent_offers`)
 */
export function statusOf(agent: Liveness, now: number, suspectFrom: number): AgentStatus {
  if (isOffline(agent, now)) return 'offline';
  if (agent.reportedStatus === 'error' || agent.silentOffers >= suspectFrom) return 'error';
  return agent.runningAttempts > 0 ? 'busy' : 'online';
}

const isWithin = (at: Date | null, ms: number, now: number): boolean => at !== null && now - at.getTime() <= ms;

/** The same machine, boot or folder: either side may not know, then the other's word is taken. */
export const sameOrUnknown = (known: string | null, given: string): boolean =>
  known === null || known === '' || given === '' || known === given;
