// The tables as kysely knows them. Made from the migrated schema by schema-dump.ts --write; do not edit.
import type { ColumnType, GeneratedAlways } from 'kysely';

/** A column that may be left out of an INSERT. */
type Generated<T> =
  T extends ColumnType<infer S, infer I, infer U> ? ColumnType<S, I | undefined, U> : ColumnType<T, T | undefined, T>;
/** Read as whatever it holds; written as JSON text. */
type Json = ColumnType<unknown, string, string>;
type Timestamp = ColumnType<Date, Date | string, Date | string>;

interface AgentsTable {
  id: string;
  organization_id: string;
  agent_id: string | null;
  name: string;
  description: Generated<string>;
  agent_type: Generated<string>;
  pool_id: string | null;
  labels: Generated<Json>;
  reported_labels: Generated<Json>;
  capabilities: Generated<Json>;
  permissions: Generated<Json>;
  limits: Generated<Json>;
  endpoint: string | null;
  version: string | null;
  token_hash: string | null;
  token_expires_at: Timestamp | null;
  token_revoked_at: Timestamp | null;
  pool_token_id: string | null;
  machine_id: string | null;
  boot_id: string | null;
  folder_id: string | null;
  instance: Generated<number>;
  reported_status: string | null;
  last_heartbeat_at: Timestamp | null;
  last_heartbeat: Json | null;
  connected_replica: string | null;
  connected_since: Timestamp | null;
  last_message_at: Timestamp | null;
  last_pull_at: Timestamp | null;
  draining: Generated<boolean>;
  silent_offers: Generated<number>;
  total_tasks: Generated<number>;
  success_tasks: Generated<number>;
  failed_tasks: Generated<number>;
  metadata: Generated<Json>;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
  deleted_at: Timestamp | null;
  max_concurrent_tasks: number | null;
  previous_token_hash: string | null;
  previous_token_expires_at: Timestamp | null;
  registered_by_token: GeneratedAlways<string | null>;
  registered_by_client: GeneratedAlways<string | null>;
}

interface ApiTokensTable {
  id: string;
  organization_id: string;
  user_id: string;
  name: string;
  kind: string;
  token_hash: string;
  created_at: Generated<Timestamp>;
  expires_at: Timestamp | null;
  last_used_at: Timestamp | null;
  revoked_at: Timestamp | null;
  automation: Generated<boolean>;
  scopes: Json | null;
  workspace_ids: Json | null;
}

interface ApprovalsTable {
  id: string;
  organization_id: string;
  task_id: string;
  plan_checksum: string;
  lineage: string | null;
  serial: number | null;
  by_kind: string;
  approved_by: string;
  comment: Generated<string>;
  created_at: Generated<Timestamp>;
  voided_at: Timestamp | null;
  voided_reason: string | null;
}

interface AttemptsTable {
  id: string;
  organization_id: string;
  workspace_id: string;
  task_id: string;
  number: number;
  epoch: number;
  action: string;
  agent_id: string;
  state: string;
  outcome: string | null;
  outcome_message: string | null;
  secret_hash: string | null;
  offered_at: Timestamp;
  offer_expires_at: Timestamp | null;
  sent_at: Timestamp | null;
  accepted_at: Timestamp | null;
  lease_until: Timestamp | null;
  give_up_at: Timestamp | null;
  stop_by: Timestamp | null;
  settle_by: Timestamp | null;
  permit: Generated<string>;
  permit_nonce: string | null;
  lock_id: string | null;
  interrupted: Generated<boolean>;
  timeout_at: Timestamp | null;
  stage: string | null;
  terraform_version: string | null;
  exited_at: Timestamp | null;
  ended_at: Timestamp | null;
  exit_code: number | null;
  signal: string | null;
  finish: Json | null;
  logs_in: Generated<Json>;
  late_finish: Json | null;
  created_at: Generated<Timestamp>;
  contact_lost_told_for: Timestamp | null;
}

interface AuditTable {
  seq: GeneratedAlways<number>;
  organization_id: string;
  at: Generated<Timestamp>;
  actor_kind: string;
  actor_id: string | null;
  actor_name: string;
  action: string;
  noun: string;
  subject_id: string | null;
  subject_name: string | null;
  address: string | null;
  request_id: string | null;
  before: Json | null;
  after: Json | null;
  credential_id: string | null;
  user_agent: string | null;
  stamp: string | null;
}

interface AuditChainTable {
  organization_id: string;
  position: number;
  seq: number;
  hash: string;
  stamp: string | null;
}

interface AuditGapsTable {
  organization_id: string;
  from_position: number;
  to_position: number;
  previous: string;
  hash: string;
  removed_at: Timestamp;
  removed_by: string;
  reason: string;
  signature: string;
}

interface AuditHeadsTable {
  organization_id: string;
  position: number;
  hash: string;
  unstamped: number;
  sealed_at: Timestamp;
  signature: string;
}

interface BlobChunksTable {
  blob_id: string;
  number: number;
  content: Buffer;
  organization_id: string;
}

interface BlobsTable {
  id: string;
  organization_id: string;
  purpose: string;
  subject_id: string;
  size: number;
  sha256: string;
  created_at: Generated<Timestamp>;
}

interface ConfigurationsTable {
  id: string;
  organization_id: string;
  workspace_id: string;
  number: number;
  source: string;
  blob_id: string;
  checksum: string;
  size: number;
  files: number;
  message: Generated<string>;
  created_by: string;
  created_at: Generated<Timestamp>;
}

interface DataKeysTable {
  id: string;
  organization_id: string;
  wrapped: Buffer;
  created_at: Generated<Timestamp>;
  retired_at: Timestamp | null;
}

interface EventsTable {
  seq: GeneratedAlways<number>;
  organization_id: string;
  at: Generated<Timestamp>;
  noun: string;
  subject_id: string;
  kind: string;
  workspace_id: string | null;
  data: Generated<Json>;
}

interface GrantsTable {
  id: string;
  organization_id: string;
  workspace_id: string;
  user_id: string;
  role: string;
  created_by: string;
  created_at: Generated<Timestamp>;
}

interface IdempotencyKeysTable {
  organization_id: string;
  caller_id: string;
  key: string;
  route: string;
  request_hash: string;
  claim_id: string;
  claimed_at: Generated<Timestamp>;
  committed: Generated<boolean>;
  status: number | null;
  body: Json | null;
  created_at: Generated<Timestamp>;
}

interface LogSegmentsTable {
  attempt_id: string;
  phase: string;
  offset: number;
  length: number;
  gap: Generated<boolean>;
  encoding: Generated<string>;
  content: Buffer;
  written_at: Generated<Timestamp>;
  organization_id: string;
}

interface LogStreamsTable {
  attempt_id: string;
  phase: string;
  organization_id: string;
  task_id: string;
  length: Generated<number>;
  complete: Generated<boolean>;
  incomplete_reason: string | null;
  final_length: number | null;
  checksum: string | null;
  archived_key: string | null;
  archive_index: Json | null;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
}

interface MachineClientsTable {
  id: string;
  organization_id: string;
  name: string;
  description: Generated<string>;
  app_key: string;
  secret_hash: string;
  previous_secret_hash: string | null;
  previous_secret_until: Timestamp | null;
  role: string;
  scopes: Json | null;
  workspace_ids: Json | null;
  pool_id: string | null;
  created_by: string;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
  expires_at: Timestamp | null;
  last_used_at: Timestamp | null;
  revoked_at: Timestamp | null;
}

interface OidcStatesTable {
  state_hash: string;
  used_at: Generated<Timestamp>;
}

interface OrganizationsTable {
  id: string;
  name: string;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
  deleted_at: Timestamp | null;
  max_concurrent_tasks: number | null;
}

interface PlanFilesTable {
  attempt_id: string;
  organization_id: string;
  blob_id: string;
  bundle_checksum: string;
  plan_checksum: string;
  size: number;
  created_at: Generated<Timestamp>;
}

interface PoolTokensTable {
  id: string;
  organization_id: string;
  pool_id: string;
  name: Generated<string>;
  token_hash: string;
  created_at: Generated<Timestamp>;
  expires_at: Timestamp | null;
  last_used_at: Timestamp | null;
  revoked_at: Timestamp | null;
  rotated_from: string | null;
}

interface PoolsTable {
  id: string;
  organization_id: string;
  name: string;
  description: Generated<string>;
  pool_type: string;
  selection_strategy: string;
  required_labels: Generated<Json>;
  labels: Generated<Json>;
  max_plan_concurrency: Generated<number>;
  allow_apply_concurrent: Generated<boolean>;
  built_in: Generated<boolean>;
  metadata: Generated<Json>;
  last_agent_id: string | null;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
  deleted_at: Timestamp | null;
  max_concurrent_tasks: number | null;
}

interface ResourceVersionsTable {
  organization_id: string;
  resource_id: string;
  version: number;
  type: string;
  tf_code: string;
  created_by: string;
  created_at: Generated<Timestamp>;
}

interface ResourcesTable {
  id: string;
  organization_id: string;
  workspace_id: string;
  name: string;
  version: number;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
  deleted_at: Timestamp | null;
}

interface ServerFactsTable {
  key: string;
  value: Json;
  updated_at: Generated<Timestamp>;
}

interface SessionsTable {
  id: string;
  organization_id: string;
  user_id: string;
  secret_hash: string;
  address: string;
  user_agent: Generated<string>;
  created_at: Generated<Timestamp>;
  last_used_at: Generated<Timestamp>;
  expires_at: Timestamp;
  revoked_at: Timestamp | null;
}

interface SignInCodesTable {
  code_hash: string;
  organization_id: string;
  user_id: string;
  code_challenge: string;
  expires_at: Timestamp;
}

interface SignInLimitsTable {
  key: string;
  empty_at: Timestamp;
}

interface StateVersionsTable {
  id: string;
  organization_id: string;
  workspace_id: string;
  version: number;
  serial: number;
  lineage: string;
  checksum: string;
  size: number;
  blob_id: string;
  standing: string;
  standing_reason: string | null;
  terraform_version: string | null;
  resource_count: Generated<number>;
  outputs: Generated<Json>;
  task_id: string | null;
  attempt_id: string | null;
  created_by: string;
  message: Generated<string>;
  created_at: Generated<Timestamp>;
}

interface TaskEventsTable {
  seq: GeneratedAlways<number>;
  organization_id: string;
  task_id: string;
  at: Generated<Timestamp>;
  kind: string;
  message: string;
  data: Generated<Json>;
}

interface TasksTable {
  id: string;
  organization_id: string;
  workspace_id: string;
  seq: GeneratedAlways<number>;
  task_type: string;
  status: string;
  stage: string | null;
  phase: Generated<string>;
  reason_code: string | null;
  reason_message: string | null;
  error_message: string | null;
  cancel_level: Generated<number>;
  cancel_cause: string | null;
  auto_approve: boolean;
  destroy: Generated<boolean>;
  refresh_only: Generated<boolean>;
  targets: Generated<Json>;
  replace: Generated<Json>;
  parallelism: number | null;
  priority: Generated<number>;
  configuration_id: string | null;
  resource_versions: Generated<Json>;
  pool_id: string | null;
  attempt_id: string | null;
  attempt_counter: Generated<number>;
  deadline_at: Timestamp | null;
  returns: Generated<Json>;
  losses: Generated<number>;
  passed_over: Generated<Json>;
  plan_attempt_id: string | null;
  plan_checksum: string | null;
  plan_lineage: string | null;
  plan_serial: number | null;
  plan_stored_at: Timestamp | null;
  plan_expires_at: Timestamp | null;
  plan_has_changes: boolean | null;
  plan_details: Json | null;
  approval: Json | null;
  changes_add: number | null;
  changes_change: number | null;
  changes_destroy: number | null;
  changes_replace: number | null;
  changes_import: number | null;
  progress: Json | null;
  waiting: Json | null;
  message: Generated<string>;
  context: Generated<Json>;
  created_by: string;
  created_at: Generated<Timestamp>;
  started_at: Timestamp | null;
  completed_at: Timestamp | null;
  providers: Json | null;
}

interface UsersTable {
  id: string;
  organization_id: string;
  name: string;
  email: string | null;
  role: string;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
  deleted_at: Timestamp | null;
  password_hash: string | null;
  password_changed_at: Timestamp | null;
  oidc_issuer: string | null;
  oidc_subject: string | null;
}

interface VariablesTable {
  id: string;
  organization_id: string;
  workspace_id: string;
  key: string;
  category: string;
  hcl: Generated<boolean>;
  sensitive: Generated<boolean>;
  description: Generated<string>;
  value: string | null;
  value_sealed: Buffer | null;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
}

interface WorkspacesTable {
  id: string;
  organization_id: string;
  name: string;
  description: Generated<string>;
  tool: Generated<string>;
  terraform_version: string | null;
  execution_mode: string;
  agent_pool_id: string | null;
  k8s_config_id: string | null;
  labels: Generated<Json>;
  auto_approve: Generated<boolean>;
  working_directory: Generated<string>;
  provider_config: Json | null;
  tf_code: string | null;
  plan_timeout_seconds: Generated<number>;
  apply_timeout_seconds: Generated<number>;
  metadata: Generated<Json>;
  locked_by: string | null;
  locked_by_id: string | null;
  locked_at: Timestamp | null;
  lock_reason: string | null;
  lock_id: string | null;
  marks: Generated<Json>;
  epoch_counter: Generated<number>;
  holder_epoch: Generated<number>;
  hold_task_id: string | null;
  permit_attempt_id: string | null;
  configuration_id: string | null;
  configuration_counter: Generated<number>;
  state_version_id: string | null;
  state_version_counter: Generated<number>;
  state_lineage: string | null;
  state_serial: number | null;
  state_checksum: string | null;
  created_at: Generated<Timestamp>;
  updated_at: Generated<Timestamp>;
  deleted_at: Timestamp | null;
  max_concurrent_tasks: number | null;
  preferred_labels: Generated<Json>;
}

/** Every table by name. */
export interface Tables {
  agents: AgentsTable;
  api_tokens: ApiTokensTable;
  approvals: ApprovalsTable;
  attempts: AttemptsTable;
  audit: AuditTable;
  audit_chain: AuditChainTable;
  audit_gaps: AuditGapsTable;
  audit_heads: AuditHeadsTable;
  blob_chunks: BlobChunksTable;
  blobs: BlobsTable;
  configurations: ConfigurationsTable;
  data_keys: DataKeysTable;
  events: EventsTable;
  grants: GrantsTable;
  idempotency_keys: IdempotencyKeysTable;
  log_segments: LogSegmentsTable;
  log_streams: LogStreamsTable;
  machine_clients: MachineClientsTable;
  oidc_states: OidcStatesTable;
  organizations: OrganizationsTable;
  plan_files: PlanFilesTable;
  pool_tokens: PoolTokensTable;
  pools: PoolsTable;
  resource_versions: ResourceVersionsTable;
  resources: ResourcesTable;
  server_facts: ServerFactsTable;
  sessions: SessionsTable;
  sign_in_codes: SignInCodesTable;
  sign_in_limits: SignInLimitsTable;
  state_versions: StateVersionsTable;
  task_events: TaskEventsTable;
  tasks: TasksTable;
  users: UsersTable;
  variables: VariablesTable;
  workspaces: WorkspacesTable;
}
