/**
 * Things that are there when a request is sent. What is generated names them by marks like `«workspace»`, so that the same seed gives
 * the same requests although ids differ from run to run.
 */
export const KNOWN_NAMES = [
  'workspace',
  'workspace_name',
  'variable',
  'configuration',
  'resource',
  'state_version',
  'task',
  'pool',
  'pool_token',
  'agent',
  'user',
  'api_token',
  'session',
  'grant',
  'client',
  // What somebody signs in with: words, not ids.
  'sign_in_token',
  'login',
  'password',
  // What somebody brings back who was sent to the OpenID provider.
  'sign_on_state',
  'code',
  'code_verifier',
  'code_challenge',
  // What the credentials of agents and attempts belong to; nobody else's requests are about these.
  'own_agent',
  'own_agent_name',
  'own_task',
  'own_attempt',
  // What an attempt and the server have to agree about.
  'plan_checksum',
  'nonce',
  'secret_hash',
  'checksum',
] as const;
export type KnownName = (typeof KNOWN_NAMES)[number];
export type Known = Readonly<Record<KnownName, string>>;

export const markOf = (name: KnownName): string => `«${name}»`;

/** Puts what is there in the place of its marks. */
export const fillMarks = (text: string, known: Known): string =>
  text.replace(/«(\w+)»/g, (mark, name: string) => known[name as KnownName] ?? mark);

/** Fields that name something although their schemas do not say so. */
export const MARK_BY_FIELD: Readonly<Record<string, KnownName>> = {
  agent_id: 'own_agent_name',
  workspace_id: 'workspace',
  workspace: 'workspace_name',
  sign_in_token: 'sign_in_token',
  login: 'login',
  password: 'password',
  current_password: 'password',
  plan_checksum: 'plan_checksum',
  nonce: 'nonce',
};

/** What an id with this prefix may be. */
export const MARK_BY_PREFIX: Readonly<Record<string, KnownName>> = {
  ws: 'workspace',
  var: 'variable',
  cv: 'configuration',
  res: 'resource',
  sv: 'state_version',
  task: 'task',
  att: 'own_attempt',
  pool: 'pool',
  ptok: 'pool_token',
  agent: 'agent',
  user: 'user',
  tok: 'api_token',
  sess: 'session',
  grant: 'grant',
  client: 'client',
};
