import * as z from 'zod';

/** Prefix of every id, one per noun. An id is the prefix, a hyphen and 20 random characters of `a-z2-7`. */
export const ID_PREFIXES = {
  organization: 'org',
  user: 'user',
  apiToken: 'tok',
  session: 'sess',
  grant: 'grant',
  client: 'client',
  agent: 'agent',
  pool: 'pool',
  poolToken: 'ptok',
  workspace: 'ws',
  variable: 'var',
  configuration: 'cv',
  resource: 'res',
  task: 'task',
  attempt: 'att',
  approval: 'appr',
  stateVersion: 'sv',
} as const;

/** A noun that has ids of its own. */
export type IdNoun = keyof typeof ID_PREFIXES;

const idOf = <B extends string>(prefix: string, brand: B) =>
  z
    .string()
    .max(64)
    .regex(new RegExp(`^${prefix}-[a-z0-9]{8,40}$`), `must be an id like ${prefix}-k3j5…`)
    .brand(brand);

export const OrganizationId = idOf(ID_PREFIXES.organization, 'OrganizationId');
export type OrganizationId = z.infer<typeof OrganizationId>;
export const UserId = idOf(ID_PREFIXES.user, 'UserId');
export type UserId = z.infer<typeof UserId>;
export const ApiTokenId = idOf(ID_PREFIXES.apiToken, 'ApiTokenId');
export type ApiTokenId = z.infer<typeof ApiTokenId>;
export const SessionId = idOf(ID_PREFIXES.session, 'SessionId');
export type SessionId = z.infer<typeof SessionId>;
export const GrantId = idOf(ID_PREFIXES.grant, 'GrantId');
export type GrantId = z.infer<typeof GrantId>;
export const ClientId = idOf(ID_PREFIXES.client, 'ClientId');
export type ClientId = z.infer<typeof ClientId>;
/** The record's id of an agent; the name it chose for itself is `agent_id`, a {@link AgentName}. */
export const AgentId = idOf(ID_PREFIXES.agent, 'AgentId');
export type AgentId = z.infer<typeof AgentId>;
export const PoolId = idOf(ID_PREFIXES.pool, 'PoolId');
export type PoolId = z.infer<typeof PoolId>;
export const PoolTokenId = idOf(ID_PREFIXES.poolToken, 'PoolTokenId');
export type PoolTokenId = z.infer<typeof PoolTokenId>;
export const WorkspaceId = idOf(ID_PREFIXES.workspace, 'WorkspaceId');
export type WorkspaceId = z.infer<typeof WorkspaceId>;
export const VariableId = idOf(ID_PREFIXES.variable, 'VariableId');
export type VariableId = z.infer<typeof VariableId>;
export const ConfigurationId = idOf(ID_PREFIXES.configuration, 'ConfigurationId');
export type ConfigurationId = z.infer<typeof ConfigurationId>;
export const ResourceId = idOf(ID_PREFIXES.resource, 'ResourceId');
export type ResourceId = z.infer<typeof ResourceId>;
export const TaskId = idOf(ID_PREFIXES.task, 'TaskId');
export type TaskId = z.infer<typeof TaskId>;
export const AttemptId = idOf(ID_PREFIXES.attempt, 'AttemptId');
export type AttemptId = z.infer<typeof AttemptId>;
export const StateVersionId = idOf(ID_PREFIXES.stateVersion, 'StateVersionId');
export type StateVersionId = z.infer<typeof StateVersionId>;
