import type { AgentCaller, AttemptCaller, RegistrantCaller, UserCaller } from '../../platform/http/index.ts';
import type { EventNoun } from '../events/index.ts';

/** The server itself, where nobody asked: loops, the first start. */
interface SystemActor {
  readonly kind: 'system';
  readonly organizationId: string;
  /** Which part of it, as people read it. */
  readonly name: string;
}
type Actor = UserCaller | AgentCaller | RegistrantCaller | AttemptCaller | SystemActor;

/** A change, as the audit log keeps it. */
export interface Change {
  caller: Actor;
  /** A verb: `create`, `update`, `lock`, …. */
  action: string;
  noun: EventNoun;
  subjectId: string;
  subjectName?: string | undefined;
  workspaceId?: string | undefined;
  /** The fields that changed, without secrets. */
  before?: unknown;
  after?: unknown;
}

/** Longer texts are cut: the audit log says what was changed, not everything that was in it. */
const LONGEST_TEXT = 1_000;
/** Names whose values never stand in the log, whatever a caller hands in. */
const SECRET_KEYS = new Set([
  'token',
  'secret',
  'password',
  'token_hash',
  'value_sealed',
  'kubeconfig',
  'sign_in_token',
  'app_secret',
]);

/** A copy that is fit for the log: secrets replaced, long texts cut. The last net; callers leave secrets out themselves. */
export function toAuditValue(value: unknown): unknown {
  if (typeof value === 'string')
    return value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}… (${value.length} characters)` : value;
  if (Array.isArray(value)) return value.map(toAuditValue);
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, SECRET_KEYS.has(key) ? '(secret)' : toAuditValue(entry)]),
  );
}

/** Who did it, as columns. */
export function describeActor(actor: Actor): {
  kind: 'user' | 'client' | 'agent' | 'attempt' | 'system';
  id: string | null;
  name: string;
  address: string | null;
  requestId: string | null;
} {
  if (actor.kind === 'system') return { kind: 'system', id: null, name: actor.name, address: null, requestId: null };
  const from = { address: actor.request.address, requestId: actor.request.id };
  switch (actor.kind) {
    case 'user':
      return { kind: actor.via.kind === 'client' ? 'client' : 'user', id: actor.userId, name: actor.name, ...from };
    case 'agent':
      return { kind: 'agent', id: actor.agentId, name: actor.agentName ?? actor.agentId, ...from };
    case 'registrant':
      return {
        kind: 'agent',
        id: actor.agentId ?? actor.tokenId,
        name: actor.agentId ?? `registration token of pool ${actor.poolId}`,
        ...from,
      };
    case 'attempt':
      return { kind: 'attempt', id: actor.attemptId, name: `attempt ${actor.attemptId}`, ...from };
  }
}
