import type { IncomingHttpHeaders } from 'node:http';
import type {
  Access,
  AgentId,
  ApiTokenId,
  AttemptId,
  ClientId,
  OrganizationId,
  OrganizationRole,
  Permission,
  PoolId,
  SessionId,
  TaskId,
  UserId,
  WorkspaceId,
} from '@groundcrew/protocol';
import type { Credential } from './credential.ts';
import type { Claim } from './idempotency/claim.ts';
import type { Rights } from './rights.ts';

/** What is known of one request, whoever sent it. */
export interface RequestInfo {
  /** Also in the answer's `X-Request-Id` and in our log. */
  readonly id: string;
  /** Where it came from; behind a trusted proxy, where that says it came from. */
  readonly address: string;
  /** As they came, before any schema. */
  readonly headers: IncomingHttpHeaders;
  /** Aborts when the client has gone or the server is closing: whatever waits for the client's sake stops waiting. */
  readonly signal: AbortSignal;
  /** Set when the call carries an `Idempotency-Key`; `recordChange` commits it together with the change. */
  readonly claim: Claim | undefined;
  /** Puts a cookie into the answer. */
  setCookie(cookie: string): void;
}

/** By which credential somebody came. */
export type Via =
  | { readonly kind: 'token'; readonly id: ApiTokenId }
  | { readonly kind: 'session'; readonly id: SessionId; readonly secret: string }
  | { readonly kind: 'client'; readonly id: ClientId };

/** A person, or a machine client in the place of one. */
export interface UserIdentity {
  readonly kind: 'user';
  readonly organizationId: OrganizationId;
  readonly userId: UserId | ClientId;
  readonly name: string;
  readonly role: OrganizationRole;
  readonly rights: Rights;
  /** What they may do where the call is about: on its workspace, if it is about one; else in the organisation. */
  readonly permissions: ReadonlySet<Permission>;
  readonly via: Via;
  /** A program asks: what it asks for stands behind what people ask for. */
  readonly automation?: boolean;
}
export interface AgentIdentity {
  readonly kind: 'agent';
  readonly organizationId: OrganizationId;
  /** The record's id. */
  readonly agentId: AgentId;
  /** The id the agent chose for itself; null before it first registers. */
  readonly agentName: string | null;
  readonly poolId: PoolId | null;
}
/** Somebody with the right to sign an agent on: an agent's own token, or a pool's. */
export interface RegistrantIdentity {
  readonly kind: 'registrant';
  readonly organizationId: OrganizationId;
  readonly agentId: AgentId | null;
  readonly poolId: PoolId | null;
  /** The record of the pool's token or of the machine client. */
  readonly tokenId: string | null;
  /** How the short-lived token names an agent's own token; it ends with that. */
  readonly via?: string;
}
export interface AttemptIdentity {
  readonly kind: 'attempt';
  readonly organizationId: OrganizationId;
  readonly workspaceId: WorkspaceId;
  readonly taskId: TaskId;
  readonly attemptId: AttemptId;
  readonly agentId: AgentId;
}
export type Identity = UserIdentity | AgentIdentity | RegistrantIdentity | AttemptIdentity;

/** Who makes a call, and the call. */
export type Caller = (Identity | { readonly kind: 'anybody' }) & { readonly request: RequestInfo };
export type UserCaller = UserIdentity & { readonly request: RequestInfo };
export type AgentCaller = AgentIdentity & { readonly request: RequestInfo };
export type RegistrantCaller = RegistrantIdentity & { readonly request: RequestInfo };
export type AttemptCaller = AttemptIdentity & { readonly request: RequestInfo };
type AnonymousCaller = { readonly kind: 'anybody'; readonly request: RequestInfo };

/** Who a route's handler is called for. */
export type CallerOf<A extends Access> = A extends { who: 'user' }
  ? UserCaller
  : A extends { who: 'agent' }
    ? AgentCaller
    : A extends { who: 'registrant' }
      ? RegistrantCaller
      : A extends { who: 'attempt' }
        ? AttemptCaller
        : AnonymousCaller;

/**
 * Tells who a credential belongs to; undefined for one that is malformed, unknown, expired or revoked alike. Each is the
 * business of one module; `build-server.ts` puts them together.
 */
export interface Authenticators {
  user(credential: Credential): Promise<UserIdentity | undefined>;
  agent(token: string): Promise<AgentIdentity | undefined>;
  registrant(credential: Credential): Promise<RegistrantIdentity | undefined>;
  attempt(token: string): Promise<AttemptIdentity | undefined>;
}
