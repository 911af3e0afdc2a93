-- The schema that the migrations come to. Made by schema-dump.ts --write and compared in CI; do not edit.

CREATE OR REPLACE FUNCTION refuse_audit_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'The audit log only grows: % on % is refused.', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation', HINT = 'Old entries are removed with: groundcrew server audit prune';
END $function$;

CREATE OR REPLACE FUNCTION refuse_retreat()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF NEW.organization_id = OLD.organization_id AND NEW.position > OLD.position THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'The head of the audit log only moves forward.' USING ERRCODE = 'restrict_violation';
END $function$;

CREATE OR REPLACE FUNCTION refuse_unrecorded_removal()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF EXISTS (
    SELECT FROM audit_chain c JOIN audit_gaps g ON g.organization_id = c.organization_id
    WHERE c.organization_id = OLD.organization_id AND c.seq = OLD.seq AND c.position BETWEEN g.from_position AND g.to_position
  ) THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'The audit log only grows: DELETE on % is refused.', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation', HINT = 'Old entries are removed with: groundcrew server audit prune';
END $function$;

CREATE TABLE agents (
  id text NOT NULL,
  organization_id text NOT NULL,
  agent_id text,
  name text NOT NULL,
  description text NOT NULL DEFAULT ''::text,
  agent_type text NOT NULL DEFAULT 'remote'::text,
  pool_id text,
  labels jsonb NOT NULL DEFAULT '[]'::jsonb,
  reported_labels jsonb NOT NULL DEFAULT '[]'::jsonb,
  capabilities jsonb NOT NULL DEFAULT '{}'::jsonb,
  permissions jsonb NOT NULL DEFAULT '{}'::jsonb,
  limits jsonb NOT NULL DEFAULT '{}'::jsonb,
  endpoint text,
  version text,
  token_hash text,
  token_expires_at timestamp with time zone,
  token_revoked_at timestamp with time zone,
  pool_token_id text,
  machine_id text,
  boot_id text,
  folder_id text,
  instance bigint NOT NULL DEFAULT 0,
  reported_status text,
  last_heartbeat_at timestamp with time zone,
  last_heartbeat jsonb,
  connected_replica text,
  connected_since timestamp with time zone,
  last_message_at timestamp with time zone,
  last_pull_at timestamp with time zone,
  draining boolean NOT NULL DEFAULT false,
  silent_offers integer NOT NULL DEFAULT 0,
  total_tasks bigint NOT NULL DEFAULT 0,
  success_tasks bigint NOT NULL DEFAULT 0,
  failed_tasks bigint NOT NULL DEFAULT 0,
  metadata jsonb NOT NULL DEFAULT '{}'::jsonb,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  deleted_at timestamp with time zone,
  max_concurrent_tasks integer,
  previous_token_hash text,
  previous_token_expires_at timestamp with time zone,
  registered_by_token text GENERATED ALWAYS AS (
CASE
    WHEN (pool_token_id !~~ 'client-%'::text) THEN pool_token_id
    ELSE NULL::text
END) STORED,
  registered_by_client text GENERATED ALWAYS AS (
CASE
    WHEN (pool_token_id ~~ 'client-%'::text) THEN pool_token_id
    ELSE NULL::text
END) STORED,
  CONSTRAINT agents_pkey PRIMARY KEY (id),
  CONSTRAINT agents_agent_type_check CHECK ((agent_type = ANY (ARRAY['remote'::text, 'k8s'::text]))),
  CONSTRAINT agents_max_concurrent_tasks_check CHECK ((max_concurrent_tasks >= 1)),
  CONSTRAINT agents_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
  CONSTRAINT agents_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT agents_organization_id_pool_id_fkey FOREIGN KEY (organization_id, pool_id) REFERENCES pools(organization_id, id),
  CONSTRAINT agents_organization_id_registered_by_client_fkey FOREIGN KEY (organization_id, registered_by_client) REFERENCES machine_clients(organization_id, id),
  CONSTRAINT agents_organization_id_registered_by_token_fkey FOREIGN KEY (organization_id, registered_by_token) REFERENCES pool_tokens(organization_id, id),
  CONSTRAINT agents_previous_token_hash_key UNIQUE (previous_token_hash),
  CONSTRAINT agents_token_hash_key UNIQUE (token_hash)
) WITH (fillfactor=70);
CREATE UNIQUE INDEX agents_agent_id ON agents USING btree (organization_id, agent_id) WHERE (deleted_at IS NULL);
CREATE INDEX agents_by_pool ON agents USING btree (pool_id) WHERE (deleted_at IS NULL);
CREATE INDEX agents_by_pool_token ON agents USING btree (pool_token_id) WHERE (deleted_at IS NULL);
CREATE INDEX agents_list ON agents USING btree (organization_id, name) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX agents_name ON agents USING btree (organization_id, lower(name)) WHERE (deleted_at IS NULL);
CREATE INDEX agents_without_secrets ON agents USING btree (organization_id) WHERE ((deleted_at IS NULL) AND ((permissions ->> 'can_access_secrets'::text) = 'false'::text));

CREATE TABLE api_tokens (
  id text NOT NULL,
  organization_id text NOT NULL,
  user_id text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  token_hash text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  automation boolean NOT NULL DEFAULT false,
  scopes jsonb,
  workspace_ids jsonb,
  CONSTRAINT api_tokens_pkey PRIMARY KEY (id),
  CONSTRAINT api_tokens_kind_check CHECK ((kind = ANY (ARRAY['api'::text, 'sign_in'::text]))),
  CONSTRAINT api_tokens_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id) REFERENCES users(organization_id, id),
  CONSTRAINT api_tokens_token_hash_key UNIQUE (token_hash)
);
CREATE INDEX api_tokens_by_user ON api_tokens USING btree (user_id, created_at DESC);

CREATE TABLE approvals (
  id text NOT NULL,
  organization_id text NOT NULL,
  task_id text NOT NULL,
  plan_checksum text NOT NULL,
  lineage text,
  serial bigint,
  by_kind text NOT NULL,
  approved_by text NOT NULL,
  comment text NOT NULL DEFAULT ''::text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  voided_at timestamp with time zone,
  voided_reason text,
  CONSTRAINT approvals_pkey PRIMARY KEY (id),
  CONSTRAINT approvals_by_kind_check CHECK ((by_kind = ANY (ARRAY['person'::text, 'auto'::text]))),
  CONSTRAINT approvals_organization_id_task_id_fkey FOREIGN KEY (organization_id, task_id) REFERENCES tasks(organization_id, id)
);
CREATE INDEX approvals_by_task ON approvals USING btree (task_id, created_at);

CREATE TABLE attempts (
  id text NOT NULL,
  organization_id text NOT NULL,
  workspace_id text NOT NULL,
  task_id text NOT NULL,
  number integer NOT NULL,
  epoch bigint NOT NULL,
  action text NOT NULL,
  agent_id text NOT NULL,
  state text NOT NULL,
  outcome text,
  outcome_message text,
  secret_hash text,
  offered_at timestamp with time zone NOT NULL,
  offer_expires_at timestamp with time zone,
  sent_at timestamp with time zone,
  accepted_at timestamp with time zone,
  lease_until timestamp with time zone,
  give_up_at timestamp with time zone,
  stop_by timestamp with time zone,
  settle_by timestamp with time zone,
  permit text NOT NULL DEFAULT 'none'::text,
  permit_nonce text,
  lock_id text,
  interrupted boolean NOT NULL DEFAULT false,
  timeout_at timestamp with time zone,
  stage text,
  terraform_version text,
  exited_at timestamp with time zone,
  ended_at timestamp with time zone,
  exit_code integer,
  signal text,
  finish jsonb,
  logs_in jsonb NOT NULL DEFAULT '[]'::jsonb,
  late_finish jsonb,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  contact_lost_told_for timestamp with time zone,
  CONSTRAINT attempts_pkey PRIMARY KEY (id),
  CONSTRAINT attempts_action_check CHECK ((action = ANY (ARRAY['plan'::text, 'plan_apply'::text, 'apply'::text]))),
  CONSTRAINT attempts_organization_id_agent_id_fkey FOREIGN KEY (organization_id, agent_id) REFERENCES agents(organization_id, id),
  CONSTRAINT attempts_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT attempts_organization_id_task_id_fkey FOREIGN KEY (organization_id, task_id) REFERENCES tasks(organization_id, id),
  CONSTRAINT attempts_organization_id_workspace_id_fkey FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces(organization_id, id),
  CONSTRAINT attempts_permit_check CHECK ((permit = ANY (ARRAY['none'::text, 'live'::text, 'used'::text, 'withdrawn'::text]))),
  CONSTRAINT attempts_secret_hash_key UNIQUE (secret_hash),
  CONSTRAINT attempts_state_check CHECK ((state = ANY (ARRAY['offered'::text, 'running'::text, 'exited'::text, 'ended'::text]))),
  CONSTRAINT attempts_task_id_number_key UNIQUE (task_id, number),
  CONSTRAINT attempts_workspace_id_epoch_key UNIQUE (workspace_id, epoch)
) WITH (fillfactor=80);
CREATE INDEX attempts_by_agent ON attempts USING btree (agent_id, offered_at DESC);
CREATE INDEX attempts_offered ON attempts USING btree (agent_id) WHERE (state = 'offered'::text);
CREATE UNIQUE INDEX attempts_one_permit ON attempts USING btree (workspace_id) WHERE ((permit = ANY (ARRAY['live'::text, 'used'::text])) AND (state <> 'ended'::text));
CREATE INDEX attempts_open ON attempts USING btree (agent_id) WHERE (state <> 'ended'::text);
CREATE INDEX attempts_open_by_workspace ON attempts USING btree (workspace_id) WHERE (state <> 'ended'::text);

CREATE TABLE audit (
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  organization_id text NOT NULL,
  at timestamp(3) with time zone NOT NULL DEFAULT clock_timestamp(),
  actor_kind text NOT NULL,
  actor_id text,
  actor_name text NOT NULL,
  action text NOT NULL,
  noun text NOT NULL,
  subject_id text,
  subject_name text,
  address text,
  request_id text,
  before jsonb,
  after jsonb,
  credential_id text,
  user_agent text,
  stamp text,
  CONSTRAINT audit_pkey PRIMARY KEY (seq),
  CONSTRAINT audit_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['user'::text, 'client'::text, 'agent'::text, 'attempt'::text, 'system'::text]))),
  CONSTRAINT audit_by_organization_seq UNIQUE (organization_id, seq),
  CONSTRAINT audit_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
  CONSTRAINT audit_stamped CHECK ((stamp IS NOT NULL)) NOT VALID
);
CREATE INDEX audit_by_action ON audit USING btree (organization_id, action, seq DESC);
CREATE INDEX audit_by_actor ON audit USING btree (organization_id, actor_id, seq DESC);
CREATE INDEX audit_by_noun ON audit USING btree (organization_id, noun, seq DESC);
CREATE INDEX audit_by_noun_and_action ON audit USING btree (organization_id, noun, action, seq DESC);
CREATE INDEX audit_by_subject ON audit USING btree (organization_id, subject_id, seq DESC);
CREATE INDEX audit_by_time ON audit USING btree (organization_id, at);
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_unrecorded_removal();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();

CREATE TABLE audit_chain (
  organization_id text NOT NULL,
  position bigint NOT NULL,
  seq bigint NOT NULL,
  hash text NOT NULL,
  stamp text,
  CONSTRAINT audit_chain_pkey PRIMARY KEY (organization_id, "position"),
  CONSTRAINT audit_chain_organization_id_seq_fkey FOREIGN KEY (organization_id, seq) REFERENCES audit(organization_id, seq) ON DELETE CASCADE,
  CONSTRAINT audit_chain_organization_id_seq_key UNIQUE (organization_id, seq),
  CONSTRAINT audit_chain_organization_id_stamp_key UNIQUE (organization_id, stamp),
  CONSTRAINT audit_chain_position_check CHECK (("position" > 0))
);
CREATE TRIGGER audit_chain_no_delete BEFORE DELETE ON audit_chain FOR EACH ROW EXECUTE FUNCTION refuse_unrecorded_removal();
CREATE TRIGGER audit_chain_no_truncate BEFORE TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_chain_no_update BEFORE UPDATE ON audit_chain FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();

CREATE TABLE audit_gaps (
  organization_id text NOT NULL,
  from_position bigint NOT NULL,
  to_position bigint NOT NULL,
  previous text NOT NULL,
  hash text NOT NULL,
  removed_at timestamp(3) with time zone NOT NULL,
  removed_by text NOT NULL,
  reason text NOT NULL,
  signature text NOT NULL,
  CONSTRAINT audit_gaps_pkey PRIMARY KEY (organization_id, to_position),
  CONSTRAINT audit_gaps_check CHECK ((from_position <= to_position)),
  CONSTRAINT audit_gaps_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id)
);
CREATE TRIGGER audit_gaps_no_change BEFORE DELETE OR UPDATE ON audit_gaps FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_gaps_no_truncate BEFORE TRUNCATE ON audit_gaps FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

CREATE TABLE audit_heads (
  organization_id text NOT NULL,
  position bigint NOT NULL,
  hash text NOT NULL,
  unstamped bigint NOT NULL,
  sealed_at timestamp(3) with time zone NOT NULL,
  signature text NOT NULL,
  CONSTRAINT audit_heads_pkey PRIMARY KEY (organization_id),
  CONSTRAINT audit_heads_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id)
);
CREATE TRIGGER audit_heads_forward BEFORE UPDATE ON audit_heads FOR EACH ROW EXECUTE FUNCTION refuse_retreat();
CREATE TRIGGER audit_heads_no_delete BEFORE DELETE ON audit_heads FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_heads_no_truncate BEFORE TRUNCATE ON audit_heads FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

CREATE TABLE blob_chunks (
  blob_id text NOT NULL,
  number integer NOT NULL,
  content bytea NOT NULL,
  organization_id text NOT NULL,
  CONSTRAINT blob_chunks_pkey PRIMARY KEY (blob_id, number),
  CONSTRAINT blob_chunks_organization_id_blob_id_fkey FOREIGN KEY (organization_id, blob_id) REFERENCES blobs(organization_id, id) ON DELETE CASCADE
);
ALTER TABLE blob_chunks ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE blobs (
  id text NOT NULL,
  organization_id text NOT NULL,
  purpose text NOT NULL,
  subject_id text NOT NULL,
  size bigint NOT NULL,
  sha256 text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT blobs_pkey PRIMARY KEY (id),
  CONSTRAINT blobs_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
  CONSTRAINT blobs_organization_id_id_key UNIQUE (organization_id, id)
);

CREATE TABLE configurations (
  id text NOT NULL,
  organization_id text NOT NULL,
  workspace_id text NOT NULL,
  number integer NOT NULL,
  source text NOT NULL,
  blob_id text NOT NULL,
  checksum text NOT NULL,
  size bigint NOT NULL,
  files integer NOT NULL,
  message text NOT NULL DEFAULT ''::text,
  created_by text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT configurations_pkey PRIMARY KEY (id),
  CONSTRAINT configurations_organization_id_blob_id_fkey FOREIGN KEY (organization_id, blob_id) REFERENCES blobs(organization_id, id),
  CONSTRAINT configurations_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT configurations_organization_id_workspace_id_fkey FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces(organization_id, id),
  CONSTRAINT configurations_source_check CHECK ((source = ANY (ARRAY['archive'::text, 'inline'::text]))),
  CONSTRAINT configurations_workspace_id_number_key UNIQUE (workspace_id, number)
);
CREATE INDEX configurations_by_blob ON configurations USING btree (blob_id);

CREATE TABLE data_keys (
  id text NOT NULL,
  organization_id text NOT NULL,
  wrapped bytea NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  retired_at timestamp with time zone,
  CONSTRAINT data_keys_pkey PRIMARY KEY (id),
  CONSTRAINT data_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id)
);
CREATE INDEX data_keys_by_organization ON data_keys USING btree (organization_id, created_at DESC);

CREATE TABLE events (
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  organization_id text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  noun text NOT NULL,
  subject_id text NOT NULL,
  kind text NOT NULL,
  workspace_id text,
  data jsonb NOT NULL DEFAULT '{}'::jsonb,
  CONSTRAINT events_pkey PRIMARY KEY (seq),
  CONSTRAINT events_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id)
);
CREATE INDEX events_by_age ON events USING btree (at);
CREATE INDEX events_by_organization ON events USING btree (organization_id, seq);

CREATE TABLE grants (
  id text NOT NULL,
  organization_id text NOT NULL,
  workspace_id text NOT NULL,
  user_id text NOT NULL,
  role text NOT NULL,
  created_by text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT grants_pkey PRIMARY KEY (id),
  CONSTRAINT grants_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT grants_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id) REFERENCES users(organization_id, id),
  CONSTRAINT grants_organization_id_workspace_id_fkey FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces(organization_id, id),
  CONSTRAINT grants_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'operator'::text, 'planner'::text, 'viewer'::text]))),
  CONSTRAINT grants_user_id_workspace_id_key UNIQUE (user_id, workspace_id)
);
CREATE INDEX grants_by_workspace ON grants USING btree (workspace_id, created_at);

CREATE TABLE idempotency_keys (
  organization_id text NOT NULL,
  caller_id text NOT NULL,
  key text NOT NULL,
  route text NOT NULL,
  request_hash text NOT NULL,
  claim_id text NOT NULL,
  claimed_at timestamp with time zone NOT NULL DEFAULT now(),
  committed boolean NOT NULL DEFAULT false,
  status integer,
  body jsonb,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (organization_id, caller_id, key),
  CONSTRAINT idempotency_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys USING btree (created_at);

CREATE TABLE log_segments (
  attempt_id text NOT NULL,
  phase text NOT NULL,
  "offset" bigint NOT NULL,
  length bigint NOT NULL,
  gap boolean NOT NULL DEFAULT false,
  encoding text NOT NULL DEFAULT 'identity'::text,
  content bytea NOT NULL,
  written_at timestamp with time zone NOT NULL DEFAULT now(),
  organization_id text NOT NULL,
  CONSTRAINT log_segments_pkey PRIMARY KEY (attempt_id, phase, "offset"),
  CONSTRAINT log_segments_organization_id_attempt_id_phase_fkey FOREIGN KEY (organization_id, attempt_id, phase) REFERENCES log_streams(organization_id, attempt_id, phase)
);
ALTER TABLE log_segments ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE log_streams (
  attempt_id text NOT NULL,
  phase text NOT NULL,
  organization_id text NOT NULL,
  task_id text NOT NULL,
  length bigint NOT NULL DEFAULT 0,
  complete boolean NOT NULL DEFAULT false,
  incomplete_reason text,
  final_length bigint,
  checksum text,
  archived_key text,
  archive_index jsonb,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT log_streams_pkey PRIMARY KEY (attempt_id, phase, organization_id),
  CONSTRAINT log_streams_organization_id_attempt_id_fkey FOREIGN KEY (organization_id, attempt_id) REFERENCES attempts(organization_id, id),
  CONSTRAINT log_streams_organization_id_task_id_fkey FOREIGN KEY (organization_id, task_id) REFERENCES tasks(organization_id, id),
  CONSTRAINT log_streams_phase_check CHECK ((phase = ANY (ARRAY['plan'::text, 'apply'::text])))
) WITH (fillfactor=70);
CREATE INDEX log_streams_by_task ON log_streams USING btree (task_id);
CREATE INDEX log_streams_to_archive ON log_streams USING btree (updated_at) WHERE ((archived_key IS NULL) AND (length > 0));

CREATE TABLE machine_clients (
  id text NOT NULL,
  organization_id text NOT NULL,
  name text NOT NULL,
  description text NOT NULL DEFAULT ''::text,
  app_key text NOT NULL,
  secret_hash text NOT NULL,
  previous_secret_hash text,
  previous_secret_until timestamp with time zone,
  role text NOT NULL,
  scopes jsonb,
  workspace_ids jsonb,
  pool_id text,
  created_by text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  CONSTRAINT machine_clients_pkey PRIMARY KEY (id),
  CONSTRAINT machine_clients_app_key_key UNIQUE (app_key),
  CONSTRAINT machine_clients_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
  CONSTRAINT machine_clients_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT machine_clients_organization_id_pool_id_fkey FOREIGN KEY (organization_id, pool_id) REFERENCES pools(organization_id, id),
  CONSTRAINT machine_clients_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'operator'::text, 'planner'::text, 'viewer'::text, 'member'::text])))
);
CREATE UNIQUE INDEX machine_clients_name ON machine_clients USING btree (organization_id, lower(name)) WHERE (revoked_at IS NULL);

CREATE TABLE oidc_states (
  state_hash text NOT NULL,
  used_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT oidc_states_pkey PRIMARY KEY (state_hash)
);
CREATE INDEX oidc_states_by_age ON oidc_states USING btree (used_at);

CREATE TABLE organizations (
  id text NOT NULL,
  name text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  deleted_at timestamp with time zone,
  max_concurrent_tasks integer,
  CONSTRAINT organizations_pkey PRIMARY KEY (id),
  CONSTRAINT organizations_max_concurrent_tasks_check CHECK ((max_concurrent_tasks >= 1))
);
CREATE UNIQUE INDEX organizations_name ON organizations USING btree (lower(name)) WHERE (deleted_at IS NULL);

CREATE TABLE plan_files (
  attempt_id text NOT NULL,
  organization_id text NOT NULL,
  blob_id text NOT NULL,
  bundle_checksum text NOT NULL,
  plan_checksum text NOT NULL,
  size bigint NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT plan_files_pkey PRIMARY KEY (attempt_id),
  CONSTRAINT plan_files_organization_id_attempt_id_fkey FOREIGN KEY (organization_id, attempt_id) REFERENCES attempts(organization_id, id),
  CONSTRAINT plan_files_organization_id_blob_id_fkey FOREIGN KEY (organization_id, blob_id) REFERENCES blobs(organization_id, id)
);
CREATE INDEX plan_files_by_blob ON plan_files USING btree (blob_id);

CREATE TABLE pool_tokens (
  id text NOT NULL,
  organization_id text NOT NULL,
  pool_id text NOT NULL,
  name text NOT NULL DEFAULT ''::text,
  token_hash text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  rotated_from text,
  CONSTRAINT pool_tokens_pkey PRIMARY KEY (id),
  CONSTRAINT pool_tokens_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT pool_tokens_organization_id_pool_id_fkey FOREIGN KEY (organization_id, pool_id) REFERENCES pools(organization_id, id),
  CONSTRAINT pool_tokens_token_hash_key UNIQUE (token_hash)
);
CREATE INDEX pool_tokens_by_pool ON pool_tokens USING btree (pool_id, created_at DESC);

CREATE TABLE pools (
  id text NOT NULL,
  organization_id text NOT NULL,
  name text NOT NULL,
  description text NOT NULL DEFAULT ''::text,
  pool_type text NOT NULL,
  selection_strategy text NOT NULL,
  required_labels jsonb NOT NULL DEFAULT '[]'::jsonb,
  labels jsonb NOT NULL DEFAULT '[]'::jsonb,
  max_plan_concurrency integer NOT NULL DEFAULT 3,
  allow_apply_concurrent boolean NOT NULL DEFAULT false,
  built_in boolean NOT NULL DEFAULT false,
  metadata jsonb NOT NULL DEFAULT '{}'::jsonb,
  last_agent_id text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  deleted_at timestamp with time zone,
  max_concurrent_tasks integer,
  CONSTRAINT pools_pkey PRIMARY KEY (id),
  CONSTRAINT pools_max_concurrent_tasks_check CHECK ((max_concurrent_tasks >= 1)),
  CONSTRAINT pools_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
  CONSTRAINT pools_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT pools_pool_type_check CHECK ((pool_type = ANY (ARRAY['static'::text, 'dynamic'::text])))
);
CREATE UNIQUE INDEX pools_built_in ON pools USING btree (organization_id) WHERE (built_in AND (deleted_at IS NULL));
CREATE UNIQUE INDEX pools_name ON pools USING btree (organization_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE TABLE resource_versions (
  organization_id text NOT NULL,
  resource_id text NOT NULL,
  version integer NOT NULL,
  type text NOT NULL,
  tf_code text NOT NULL,
  created_by text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT resource_versions_pkey PRIMARY KEY (resource_id, version),
  CONSTRAINT resource_versions_organization_id_resource_id_fkey FOREIGN KEY (organization_id, resource_id) REFERENCES resources(organization_id, id)
);

CREATE TABLE resources (
  id text NOT NULL,
  organization_id text NOT NULL,
  workspace_id text NOT NULL,
  name text NOT NULL,
  version integer NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  deleted_at timestamp with time zone,
  CONSTRAINT resources_pkey PRIMARY KEY (id),
  CONSTRAINT resources_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT resources_organization_id_workspace_id_fkey FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces(organization_id, id)
);
CREATE UNIQUE INDEX resources_name ON resources USING btree (workspace_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE TABLE server_facts (
  key text NOT NULL,
  value jsonb NOT NULL,
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT server_facts_pkey PRIMARY KEY (key)
);

CREATE TABLE sessions (
  id text NOT NULL,
  organization_id text NOT NULL,
  user_id text NOT NULL,
  secret_hash text NOT NULL,
  address text NOT NULL,
  user_agent text NOT NULL DEFAULT ''::text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  last_used_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone NOT NULL,
  revoked_at timestamp with time zone,
  CONSTRAINT sessions_pkey PRIMARY KEY (id),
  CONSTRAINT sessions_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT sessions_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id) REFERENCES users(organization_id, id),
  CONSTRAINT sessions_secret_hash_key UNIQUE (secret_hash)
);
CREATE INDEX sessions_by_age ON sessions USING btree (expires_at);
CREATE INDEX sessions_by_user ON sessions USING btree (user_id, created_at DESC);

CREATE TABLE sign_in_codes (
  code_hash text NOT NULL,
  organization_id text NOT NULL,
  user_id text NOT NULL,
  code_challenge text NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT sign_in_codes_pkey PRIMARY KEY (code_hash),
  CONSTRAINT sign_in_codes_organization_id_user_id_fkey FOREIGN KEY (organization_id, user_id) REFERENCES users(organization_id, id)
);
CREATE INDEX sign_in_codes_by_age ON sign_in_codes USING btree (expires_at);

CREATE TABLE sign_in_limits (
  key text NOT NULL,
  empty_at timestamp with time zone NOT NULL,
  CONSTRAINT sign_in_limits_pkey PRIMARY KEY (key)
);
CREATE INDEX sign_in_limits_by_age ON sign_in_limits USING btree (empty_at);

CREATE TABLE state_versions (
  id text NOT NULL,
  organization_id text NOT NULL,
  workspace_id text NOT NULL,
  version integer NOT NULL,
  serial bigint NOT NULL,
  lineage text NOT NULL,
  checksum text NOT NULL,
  size bigint NOT NULL,
  blob_id text NOT NULL,
  standing text NOT NULL,
  standing_reason text,
  terraform_version text,
  resource_count integer NOT NULL DEFAULT 0,
  outputs jsonb NOT NULL DEFAULT '{}'::jsonb,
  task_id text,
  attempt_id text,
  created_by text NOT NULL,
  message text NOT NULL DEFAULT ''::text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT state_versions_pkey PRIMARY KEY (id),
  CONSTRAINT state_versions_organization_id_attempt_id_fkey FOREIGN KEY (organization_id, attempt_id) REFERENCES attempts(organization_id, id),
  CONSTRAINT state_versions_organization_id_blob_id_fkey FOREIGN KEY (organization_id, blob_id) REFERENCES blobs(organization_id, id),
  CONSTRAINT state_versions_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT state_versions_organization_id_task_id_fkey FOREIGN KEY (organization_id, task_id) REFERENCES tasks(organization_id, id),
  CONSTRAINT state_versions_organization_id_workspace_id_fkey FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces(organization_id, id),
  CONSTRAINT state_versions_standing_check CHECK ((standing = ANY (ARRAY['current'::text, 'past'::text, 'superseded'::text, 'quarantined'::text, 'discarded'::text]))),
  CONSTRAINT state_versions_workspace_id_version_key UNIQUE (workspace_id, version)
);
CREATE INDEX state_versions_by_blob ON state_versions USING btree (blob_id);
CREATE UNIQUE INDEX state_versions_once ON state_versions USING btree (attempt_id, lineage, serial, checksum) WHERE (attempt_id IS NOT NULL);
CREATE UNIQUE INDEX state_versions_one_current ON state_versions USING btree (workspace_id) WHERE (standing = 'current'::text);
CREATE INDEX state_versions_quarantined ON state_versions USING btree (workspace_id) WHERE (standing = 'quarantined'::text);

CREATE TABLE task_events (
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  organization_id text NOT NULL,
  task_id text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  kind text NOT NULL,
  message text NOT NULL,
  data jsonb NOT NULL DEFAULT '{}'::jsonb,
  CONSTRAINT task_events_pkey PRIMARY KEY (seq),
  CONSTRAINT task_events_organization_id_task_id_fkey FOREIGN KEY (organization_id, task_id) REFERENCES tasks(organization_id, id)
);
CREATE INDEX task_events_by_task ON task_events USING btree (task_id, seq);

CREATE TABLE tasks (
  id text NOT NULL,
  organization_id text NOT NULL,
  workspace_id text NOT NULL,
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  task_type text NOT NULL,
  status text NOT NULL,
  stage text,
  phase text NOT NULL DEFAULT 'plan'::text,
  reason_code text,
  reason_message text,
  error_message text,
  cancel_level smallint NOT NULL DEFAULT 0,
  cancel_cause text,
  auto_approve boolean NOT NULL,
  destroy boolean NOT NULL DEFAULT false,
  refresh_only boolean NOT NULL DEFAULT false,
  targets jsonb NOT NULL DEFAULT '[]'::jsonb,
  replace jsonb NOT NULL DEFAULT '[]'::jsonb,
  parallelism integer,
  priority integer NOT NULL DEFAULT 0,
  configuration_id text,
  resource_versions jsonb NOT NULL DEFAULT '[]'::jsonb,
  pool_id text,
  attempt_id text,
  attempt_counter integer NOT NULL DEFAULT 0,
  deadline_at timestamp with time zone,
  returns jsonb NOT NULL DEFAULT '[]'::jsonb,
  losses integer NOT NULL DEFAULT 0,
  passed_over jsonb NOT NULL DEFAULT '[]'::jsonb,
  plan_attempt_id text,
  plan_checksum text,
  plan_lineage text,
  plan_serial bigint,
  plan_stored_at timestamp with time zone,
  plan_expires_at timestamp with time zone,
  plan_has_changes boolean,
  plan_details jsonb,
  approval jsonb,
  changes_add integer,
  changes_change integer,
  changes_destroy integer,
  changes_replace integer,
  changes_import integer,
  progress jsonb,
  waiting jsonb,
  message text NOT NULL DEFAULT ''::text,
  context jsonb NOT NULL DEFAULT '{}'::jsonb,
  created_by text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  started_at timestamp with time zone,
  completed_at timestamp with time zone,
  providers jsonb,
  CONSTRAINT tasks_pkey PRIMARY KEY (id),
  CONSTRAINT tasks_cancel_cause_check CHECK ((cancel_cause = ANY (ARRAY['asked'::text, 'timed_out'::text]))),
  CONSTRAINT tasks_cancel_level_check CHECK (((cancel_level >= 0) AND (cancel_level <= 3))),
  CONSTRAINT tasks_organization_id_attempt_id_fkey FOREIGN KEY (organization_id, attempt_id) REFERENCES attempts(organization_id, id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT tasks_organization_id_configuration_id_fkey FOREIGN KEY (organization_id, configuration_id) REFERENCES configurations(organization_id, id),
  CONSTRAINT tasks_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT tasks_organization_id_plan_attempt_id_fkey FOREIGN KEY (organization_id, plan_attempt_id) REFERENCES attempts(organization_id, id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT tasks_organization_id_pool_id_fkey FOREIGN KEY (organization_id, pool_id) REFERENCES pools(organization_id, id),
  CONSTRAINT tasks_organization_id_workspace_id_fkey FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces(organization_id, id),
  CONSTRAINT tasks_phase_check CHECK ((phase = ANY (ARRAY['plan'::text, 'apply'::text]))),
  CONSTRAINT tasks_seq_key UNIQUE (seq),
  CONSTRAINT tasks_task_type_check CHECK ((task_type = ANY (ARRAY['plan'::text, 'plan_and_apply'::text])))
) WITH (fillfactor=80);
CREATE INDEX tasks_active ON tasks USING btree (organization_id, seq DESC) WHERE (status = ANY (ARRAY['pending'::text, 'running'::text, 'awaiting_approval'::text, 'needs_attention'::text]));
CREATE INDEX tasks_by_status ON tasks USING btree (organization_id, status, seq DESC);
CREATE INDEX tasks_deadlines ON tasks USING btree (deadline_at) WHERE (deadline_at IS NOT NULL);
CREATE INDEX tasks_list ON tasks USING btree (organization_id, seq DESC);
CREATE INDEX tasks_of_workspace ON tasks USING btree (workspace_id, seq DESC);
CREATE INDEX tasks_of_workspace_by_status ON tasks USING btree (workspace_id, status, seq DESC);
CREATE INDEX tasks_open ON tasks USING btree (workspace_id, seq) WHERE (status = ANY (ARRAY['pending'::text, 'running'::text, 'awaiting_approval'::text, 'needs_attention'::text]));
CREATE INDEX tasks_waiting ON tasks USING btree (seq) WHERE ((status = 'pending'::text) AND (attempt_id IS NULL));

CREATE TABLE users (
  id text NOT NULL,
  organization_id text NOT NULL,
  name text NOT NULL,
  email text,
  role text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  deleted_at timestamp with time zone,
  password_hash text,
  password_changed_at timestamp with time zone,
  oidc_issuer text,
  oidc_subject text,
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
  CONSTRAINT users_organization_id_id_key UNIQUE (organization_id, id)
);
CREATE INDEX users_email ON users USING btree (lower(email)) WHERE ((deleted_at IS NULL) AND (email IS NOT NULL));
CREATE INDEX users_login ON users USING btree (lower(name)) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX users_name ON users USING btree (organization_id, lower(name)) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX users_oidc ON users USING btree (organization_id, oidc_issuer, oidc_subject) WHERE ((deleted_at IS NULL) AND (oidc_subject IS NOT NULL));

CREATE TABLE variables (
  id text NOT NULL,
  organization_id text NOT NULL,
  workspace_id text NOT NULL,
  key text NOT NULL,
  category text NOT NULL,
  hcl boolean NOT NULL DEFAULT false,
  sensitive boolean NOT NULL DEFAULT false,
  description text NOT NULL DEFAULT ''::text,
  value text,
  value_sealed bytea,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT variables_pkey PRIMARY KEY (id),
  CONSTRAINT variables_category_check CHECK ((category = ANY (ARRAY['terraform'::text, 'env'::text]))),
  CONSTRAINT variables_check CHECK (((value IS NULL) <> (value_sealed IS NULL))),
  CONSTRAINT variables_check1 CHECK ((sensitive = (value_sealed IS NOT NULL))),
  CONSTRAINT variables_organization_id_workspace_id_fkey FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces(organization_id, id),
  CONSTRAINT variables_workspace_id_category_key_key UNIQUE (workspace_id, category, key)
);

CREATE TABLE workspaces (
  id text NOT NULL,
  organization_id text NOT NULL,
  name text NOT NULL,
  description text NOT NULL DEFAULT ''::text,
  tool text NOT NULL DEFAULT 'terraform'::text,
  terraform_version text,
  execution_mode text NOT NULL,
  agent_pool_id text,
  k8s_config_id text,
  labels jsonb NOT NULL DEFAULT '[]'::jsonb,
  auto_approve boolean NOT NULL DEFAULT false,
  working_directory text NOT NULL DEFAULT ''::text,
  provider_config jsonb,
  tf_code text,
  plan_timeout_seconds integer NOT NULL DEFAULT 3600,
  apply_timeout_seconds integer NOT NULL DEFAULT 21600,
  metadata jsonb NOT NULL DEFAULT '{}'::jsonb,
  locked_by text,
  locked_by_id text,
  locked_at timestamp with time zone,
  lock_reason text,
  lock_id text,
  marks jsonb NOT NULL DEFAULT '[]'::jsonb,
  epoch_counter bigint NOT NULL DEFAULT 0,
  holder_epoch bigint NOT NULL DEFAULT 0,
  hold_task_id text,
  permit_attempt_id text,
  configuration_id text,
  configuration_counter integer NOT NULL DEFAULT 0,
  state_version_id text,
  state_version_counter integer NOT NULL DEFAULT 0,
  state_lineage text,
  state_serial bigint,
  state_checksum text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  deleted_at timestamp with time zone,
  max_concurrent_tasks integer,
  preferred_labels jsonb NOT NULL DEFAULT '[]'::jsonb,
  CONSTRAINT workspaces_pkey PRIMARY KEY (id),
  CONSTRAINT workspaces_execution_mode_check CHECK ((execution_mode = ANY (ARRAY['server'::text, 'agent'::text, 'k8s'::text]))),
  CONSTRAINT workspaces_max_concurrent_tasks_check CHECK ((max_concurrent_tasks >= 1)),
  CONSTRAINT workspaces_organization_id_agent_pool_id_fkey FOREIGN KEY (organization_id, agent_pool_id) REFERENCES pools(organization_id, id),
  CONSTRAINT workspaces_organization_id_configuration_id_fkey FOREIGN KEY (organization_id, configuration_id) REFERENCES configurations(organization_id, id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT workspaces_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
  CONSTRAINT workspaces_organization_id_hold_task_id_fkey FOREIGN KEY (organization_id, hold_task_id) REFERENCES tasks(organization_id, id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT workspaces_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT workspaces_organization_id_permit_attempt_id_fkey FOREIGN KEY (organization_id, permit_attempt_id) REFERENCES attempts(organization_id, id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT workspaces_organization_id_state_version_id_fkey FOREIGN KEY (organization_id, state_version_id) REFERENCES state_versions(organization_id, id) DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX workspaces_name ON workspaces USING btree (organization_id, lower(name)) WHERE (deleted_at IS NULL);
