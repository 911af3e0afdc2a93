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
  /** Whoever makes the change tells followers of it in an event of its own. */
  hasEvent?: true;
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

/** A copy that is fit for the log: secrets replaced, long texts cut. The last net; callers leave secrets out themselves. @internal */
export function toAuditValue(value: unknown): unknown {
  if (typeof value === 'string')
    return value.length > LONGEST_TEXT
      ? `${toStorable(value.slice(0, LONGEST_TEXT))}… (${value.length} characters)`
      : toStorable(value);
  if (Array.isArray(value)) return value.map(toAuditValue);
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      toStorable(key),
      SECRET_KEYS.has(key) ? '(secret)' : toAuditValue(entry),
    ]),
  );
}

/** PostgreSQL stores neither NUL nor half a surrogate pair, and what it stored must come out as it was hashed. */
const toStorable = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\ufffd');

/** Who did it, and from where. */
interface ActorColumns {
  actor_kind: 'user' | 'client' | 'agent' | 'attempt' | 'system';
  actor_id: string | null;
  actor_name: string;
  credential_id: string | null;
  address: string | null;
  user_agent: string | null;
  request_id: string | null;
}

const LONGEST_USER_AGENT = 200;

function describeActor(actor: Actor): ActorColumns {
  if (actor.kind === 'system')
    return {
      actor_kind: 'system',
      actor_id: null,
      actor_name: actor.name,
      credential_id: null,
      address: null,
      user_agent: null,
      request_id: null,
    };
  const { address, id, headers } = actor.request;
  return {
    ...describeCaller(actor),
    address,
    user_agent: headers['user-agent']?.slice(0, LONGEST_USER_AGENT) ?? null,
    request_id: id,
  };
}

type CallerColumns = Pick<ActorColumns, 'actor_kind' | 'actor_id' | 'actor_name' | 'credential_id'>;

function describeCaller(actor: Exclude<Actor, SystemActor>): CallerColumns {
  switch (actor.kind) {
    case 'user':
      return {
        actor_kind: actor.via.kind === 'client' ? 'client' : 'user',
        actor_id: actor.userId,
        actor_name: actor.name,
        credential_id: actor.via.id,
      };
    case 'agent':
      return {
        actor_kind: 'agent',
        actor_id: actor.agentId,
        actor_name: actor.agentName ?? actor.agentId,
        credential_id: null,
      };
    case 'registrant':
      return {
        actor_kind: 'agent',
        actor_id: actor.agentId ?? actor.tokenId,
        actor_name: actor.agentId ?? `registration token of pool ${actor.poolId}`,
        credential_id: actor.tokenId,
      };
    case 'attempt':
      return {
        actor_kind: 'attempt',
        actor_id: actor.attemptId,
        actor_name: `attempt ${actor.attemptId}`,
        credential_id: null,
      };
  }
}

/** What the server says in an entry; number and time are the database's. */
export interface EntryFields extends ActorColumns {
  organization_id: string;
  action: string;
  noun: string;
  subject_id: string | null;
  subject_name: string | null;
  before: unknown;
  after: unknown;
}

/** The change as a row. Pure. */
export function toEntry({ caller, action, noun, subjectId, subjectName, before, after }: Change): EntryFields {
  const said = {
    organization_id: caller.organizationId,
    ...describeActor(caller),
    action,
    noun,
    subject_id: subjectId,
    subject_name: subjectName ?? null,
  };
  const storable = Object.entries(said).map(([key, text]) => [key, text === null ? null : toStorable(text)]);
  return { ...(Object.fromEntries(storable) as typeof said), before: toJson(before), after: toJson(after) };
}

/** As it comes out of the database again. */
const toJson = (value: unknown): unknown =>
  value === undefined ? null : JSON.parse(JSON.stringify(toAuditValue(value)) ?? 'null');
