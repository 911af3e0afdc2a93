-- Everything belongs to an organisation. Children carry organization_id and refer to their parents by (organization_id, id),
-- so that the database itself refuses a row that would join two tenants.

CREATE TABLE organizations (
  id          text PRIMARY KEY,
  name        text NOT NULL UNIQUE,
  created_at  timestamptz NOT NULL DEFAULT now()
);

-- Facts about the installation: encryption key check, database identity, the lease keeper's alive_at.
CREATE TABLE server_facts (
  key         text PRIMARY KEY,
  value       jsonb NOT NULL,
  updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE data_keys (
  id               text PRIMARY KEY,
  organization_id  text NOT NULL REFERENCES organizations (id),
  wrapped          bytea NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  retired_at       timestamptz
);
CREATE INDEX data_keys_by_organization ON data_keys (organization_id, created_at DESC);

-- Large sealed bytes: states, plan bundles, configuration archives.
CREATE TABLE blobs (
  id               text PRIMARY KEY,
  organization_id  text NOT NULL REFERENCES organizations (id),
  purpose          text NOT NULL,
  subject_id       text NOT NULL,
  size             bigint NOT NULL,
  sha256           text NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, id)
);
CREATE TABLE blob_chunks (
  blob_id  text NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
  number   integer NOT NULL,
  content  bytea NOT NULL,
  PRIMARY KEY (blob_id, number)
);
ALTER TABLE blob_chunks ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE users (
  id               text PRIMARY KEY,
  organization_id  text NOT NULL REFERENCES organizations (id),
  name             text NOT NULL,
  email            text,
  role             text NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  deleted_at       timestamptz,
  UNIQUE (organization_id, id)
);
CREATE UNIQUE INDEX users_name ON users (organization_id, lower(name)) WHERE deleted_at IS NULL;

CREATE TABLE api_tokens (
  id               text PRIMARY KEY,
  organization_id  text NOT NULL,
  user_id          text NOT NULL,
  name             text NOT NULL,
  kind             text NOT NULL CHECK (kind IN ('api', 'sign_in')),
  token_hash       text NOT NULL UNIQUE,
  created_at       timestamptz NOT NULL DEFAULT now(),
  expires_at       timestamptz,
  last_used_at     timestamptz,
  revoked_at       timestamptz,
  FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id, created_at DESC);

CREATE TABLE pools (
  id                      text PRIMARY KEY,
  organization_id         text NOT NULL REFERENCES organizations (id),
  name                    text NOT NULL,
  description             text NOT NULL DEFAULT '',
  pool_type               text NOT NULL CHECK (pool_type IN ('static', 'dynamic')),
  selection_strategy      text NOT NULL,
  required_labels         jsonb NOT NULL DEFAULT '[]',
  labels                  jsonb NOT NULL DEFAULT '[]',
  max_plan_concurrency    integer NOT NULL DEFAULT 3,
  allow_apply_concurrent  boolean NOT NULL DEFAULT false,
  built_in                boolean NOT NULL DEFAULT false,
  metadata                jsonb NOT NULL DEFAULT '{}',
  -- Where round_robin goes on: the agent that was last given something.
  last_agent_id           text,
  created_at              timestamptz NOT NULL DEFAULT now(),
  updated_at              timestamptz NOT NULL DEFAULT now(),
  deleted_at              timestamptz,
  UNIQUE (organization_id, id)
);
CREATE UNIQUE INDEX pools_name ON pools (organization_id, lower(name)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX pools_built_in ON pools (organization_id) WHERE built_in AND deleted_at IS NULL;

CREATE TABLE pool_tokens (
  id               text PRIMARY KEY,
  organization_id  text NOT NULL,
  pool_id          text NOT NULL,
  name             text NOT NULL DEFAULT '',
  token_hash       text NOT NULL UNIQUE,
  created_at       timestamptz NOT NULL DEFAULT now(),
  expires_at       timestamptz,
  last_used_at     timestamptz,
  revoked_at       timestamptz,
  FOREIGN KEY (organization_id, pool_id) REFERENCES pools (organization_id, id)
);
CREATE INDEX pool_tokens_by_pool ON pool_tokens (pool_id, created_at DESC);

CREATE TABLE agents (
  id                 text PRIMARY KEY,
  organization_id    text NOT NULL REFERENCES organizations (id),
  agent_id           text,
  name               text NOT NULL,
  description        text NOT NULL DEFAULT '',
  agent_type         text NOT NULL DEFAULT 'remote' CHECK (agent_type IN ('remote', 'k8s')),
  pool_id            text,
  labels             jsonb NOT NULL DEFAULT '[]',
  reported_labels    jsonb NOT NULL DEFAULT '[]',
  capabilities       jsonb NOT NULL DEFAULT '{}',
  permissions        jsonb NOT NULL DEFAULT '{}',
  limits             jsonb NOT NULL DEFAULT '{}',
  endpoint           text,
  version            text,
  -- Null for an agent that signs on with its pool's token.
  token_hash         text UNIQUE,
  token_expires_at   timestamptz,
  token_revoked_at   timestamptz,
  pool_token_id      text,
  machine_id         text,
  boot_id            text,
  folder_id          text,
  instance           bigint NOT NULL DEFAULT 0,
  reported_status    text,
  last_heartbeat_at  timestamptz,
  last_heartbeat     jsonb,
  connected_replica  text,
  connected_since    timestamptz,
  last_message_at    timestamptz,
  -- The last long poll, for agents that pull.
  last_pull_at       timestamptz,
  draining           boolean NOT NULL DEFAULT false,
  -- Sent offers in a row that it left unanswered; three make it suspect until its next good call.
  silent_offers      integer NOT NULL DEFAULT 0,
  total_tasks        bigint NOT NULL DEFAULT 0,
  success_tasks      bigint NOT NULL DEFAULT 0,
  failed_tasks       bigint NOT NULL DEFAULT 0,
  metadata           jsonb NOT NULL DEFAULT '{}',
  created_at         timestamptz NOT NULL DEFAULT now(),
  updated_at         timestamptz NOT NULL DEFAULT now(),
  deleted_at         timestamptz,
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, pool_id) REFERENCES pools (organization_id, id)
);
-- Heartbeats touch no indexed column; room in the page keeps them heap-only.
ALTER TABLE agents SET (fillfactor = 70);
CREATE UNIQUE INDEX agents_name ON agents (organization_id, lower(name)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX agents_agent_id ON agents (organization_id, agent_id) WHERE deleted_at IS NULL;
CREATE INDEX agents_by_pool ON agents (pool_id) WHERE deleted_at IS NULL;

CREATE TABLE workspaces (
  id                        text PRIMARY KEY,
  organization_id           text NOT NULL REFERENCES organizations (id),
  name                      text NOT NULL,
  description               text NOT NULL DEFAULT '',
  tool                      text NOT NULL DEFAULT 'terraform',
  terraform_version         text,
  execution_mode            text NOT NULL CHECK (execution_mode IN ('server', 'agent', 'k8s')),
  agent_pool_id             text,
  k8s_config_id             text,
  labels                    jsonb NOT NULL DEFAULT '[]',
  auto_approve              boolean NOT NULL DEFAULT false,
  working_directory         text NOT NULL DEFAULT '',
  provider_config           jsonb,
  tf_code                   text,
  plan_timeout_seconds      integer NOT NULL DEFAULT 3600,
  apply_timeout_seconds     integer NOT NULL DEFAULT 21600,
  metadata                  jsonb NOT NULL DEFAULT '{}',
  -- A person's lock.
  locked_by                 text,
  locked_by_id              text,
  locked_at                 timestamptz,
  lock_reason               text,
  -- The id of a user's own Terraform LOCK, when that is what locked it.
  lock_id                   text,
  -- Attempts that a person closed without proof of death: [{taskId, attemptId, attemptNumber, since}].
  marks                     jsonb NOT NULL DEFAULT '[]',
  -- The fence: epoch_counter only hands out numbers, holder_epoch says whose state may become current.
  epoch_counter             bigint NOT NULL DEFAULT 0,
  holder_epoch              bigint NOT NULL DEFAULT 0,
  hold_task_id              text,
  -- The attempt whose permit is live or used and that has not ended.
  permit_attempt_id         text,
  configuration_id          text,
  configuration_counter     integer NOT NULL DEFAULT 0,
  state_version_id          text,
  state_version_counter     integer NOT NULL DEFAULT 0,
  state_lineage             text,
  state_serial              bigint,
  state_checksum            text,
  created_at                timestamptz NOT NULL DEFAULT now(),
  updated_at                timestamptz NOT NULL DEFAULT now(),
  deleted_at                timestamptz,
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, agent_pool_id) REFERENCES pools (organization_id, id)
);
CREATE UNIQUE INDEX workspaces_name ON workspaces (organization_id, lower(name)) WHERE deleted_at IS NULL;

CREATE TABLE variables (
  id               text PRIMARY KEY,
  organization_id  text NOT NULL,
  workspace_id     text NOT NULL,
  key              text NOT NULL,
  category         text NOT NULL CHECK (category IN ('terraform', 'env')),
  hcl              boolean NOT NULL DEFAULT false,
  sensitive        boolean NOT NULL DEFAULT false,
  description      text NOT NULL DEFAULT '',
  -- Exactly one of the two: a sensitive value is sealed.
  value            text,
  value_sealed     bytea,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  UNIQUE (workspace_id, category, key),
  CHECK ((value IS NULL) <> (value_sealed IS NULL)),
  CHECK (sensitive = (value_sealed IS NOT NULL)),
  FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id)
);

CREATE TABLE configurations (
  id               text PRIMARY KEY,
  organization_id  text NOT NULL,
  workspace_id     text NOT NULL,
  number           integer NOT NULL,
  source           text NOT NULL CHECK (source IN ('archive', 'inline')),
  blob_id          text NOT NULL,
  checksum         text NOT NULL,
  size             bigint NOT NULL,
  files            integer NOT NULL,
  message          text NOT NULL DEFAULT '',
  created_by       text NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  UNIQUE (workspace_id, number),
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id),
  FOREIGN KEY (organization_id, blob_id) REFERENCES blobs (organization_id, id)
);
-- Blobs are swept by asking who refers to them.
CREATE INDEX configurations_by_blob ON configurations (blob_id);

CREATE TABLE resources (
  id               text PRIMARY KEY,
  organization_id  text NOT NULL,
  workspace_id     text NOT NULL,
  name             text NOT NULL,
  version          integer NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  deleted_at       timestamptz,
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id)
);
CREATE UNIQUE INDEX resources_name ON resources (workspace_id, lower(name)) WHERE deleted_at IS NULL;
CREATE TABLE resource_versions (
  organization_id  text NOT NULL,
  resource_id      text NOT NULL,
  version          integer NOT NULL,
  type             text NOT NULL,
  tf_code          text NOT NULL,
  created_by       text NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (resource_id, version),
  FOREIGN KEY (organization_id, resource_id) REFERENCES resources (organization_id, id)
);

CREATE TABLE tasks (
  id                 text PRIMARY KEY,
  organization_id    text NOT NULL,
  workspace_id       text NOT NULL,
  -- Order of arrival; also the cursor of lists.
  seq                bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  task_type          text NOT NULL CHECK (task_type IN ('plan', 'plan_and_apply')),
  status             text NOT NULL,
  stage              text,
  -- The phase that runs or comes next.
  phase              text NOT NULL DEFAULT 'plan' CHECK (phase IN ('plan', 'apply')),
  reason_code        text,
  reason_message     text,
  error_message      text,
  cancel_level       smallint NOT NULL DEFAULT 0 CHECK (cancel_level BETWEEN 0 AND 3),
  cancel_cause       text CHECK (cancel_cause IN ('asked', 'timed_out')),
  auto_approve       boolean NOT NULL,
  destroy            boolean NOT NULL DEFAULT false,
  refresh_only       boolean NOT NULL DEFAULT false,
  targets            jsonb NOT NULL DEFAULT '[]',
  replace            jsonb NOT NULL DEFAULT '[]',
  parallelism        integer,
  priority           integer NOT NULL DEFAULT 0,
  configuration_id   text,
  -- Which version of each fragment it runs with: [{resource_id, version}].
  resource_versions  jsonb NOT NULL DEFAULT '[]',
  pool_id            text,
  attempt_id         text,
  attempt_counter    integer NOT NULL DEFAULT 0,
  -- When the sweeper has to look at it; null when only somebody's action moves it on.
  deadline_at        timestamptz,
  -- The five chances of a task: [{attempt, reason, at}].
  returns            jsonb NOT NULL DEFAULT '[]',
  losses             integer NOT NULL DEFAULT 0,
  -- Agents not to be asked again yet: [{agent_id, until}].
  passed_over        jsonb NOT NULL DEFAULT '[]',
  -- The stored plan.
  plan_attempt_id    text,
  plan_checksum      text,
  plan_lineage       text,
  plan_serial        bigint,
  plan_stored_at     timestamptz,
  plan_expires_at    timestamptz,
  plan_has_changes   boolean,
  plan_details       jsonb,
  -- The approval last given, as a copy of its row: {planChecksum, madeFrom, by, at, voidedAt}.
  approval           jsonb,
  changes_add        integer,
  changes_change     integer,
  changes_destroy    integer,
  changes_replace    integer,
  changes_import     integer,
  progress           jsonb,
  -- What the queue says of it while it waits: {rule, message}.
  waiting            jsonb,
  message            text NOT NULL DEFAULT '',
  context            jsonb NOT NULL DEFAULT '{}',
  created_by         text NOT NULL,
  created_at         timestamptz NOT NULL DEFAULT now(),
  started_at         timestamptz,
  completed_at       timestamptz,
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id),
  FOREIGN KEY (organization_id, configuration_id) REFERENCES configurations (organization_id, id),
  FOREIGN KEY (organization_id, pool_id) REFERENCES pools (organization_id, id)
);
ALTER TABLE tasks SET (fillfactor = 80);
CREATE INDEX tasks_list ON tasks (organization_id, seq DESC);
CREATE INDEX tasks_of_workspace ON tasks (workspace_id, seq DESC);
-- Lists and loops over what has not ended stay small however long the history grows.
CREATE INDEX tasks_open ON tasks (workspace_id, seq)
  WHERE status IN ('pending', 'running', 'awaiting_approval', 'needs_attention');

CREATE INDEX tasks_deadlines ON tasks (deadline_at) WHERE deadline_at IS NOT NULL;

CREATE TABLE approvals (
  id               text PRIMARY KEY,
  organization_id  text NOT NULL,
  task_id          text NOT NULL,
  plan_checksum    text NOT NULL,
  lineage          text,
  serial           bigint,
  by_kind          text NOT NULL CHECK (by_kind IN ('person', 'auto')),
  approved_by      text NOT NULL,
  comment          text NOT NULL DEFAULT '',
  created_at       timestamptz NOT NULL DEFAULT now(),
  voided_at        timestamptz,
  voided_reason    text,
  FOREIGN KEY (organization_id, task_id) REFERENCES tasks (organization_id, id)
);
CREATE INDEX approvals_by_task ON approvals (task_id, created_at);

CREATE TABLE attempts (
  id                 text PRIMARY KEY,
  organization_id    text NOT NULL,
  workspace_id       text NOT NULL,
  task_id            text NOT NULL,
  number             integer NOT NULL,
  epoch              bigint NOT NULL,
  action             text NOT NULL CHECK (action IN ('plan', 'plan_apply', 'apply')),
  agent_id           text NOT NULL,
  state              text NOT NULL CHECK (state IN ('offered', 'running', 'exited', 'ended')),
  outcome            text,
  outcome_message    text,
  secret_hash        text UNIQUE,
  offered_at         timestamptz NOT NULL,
  offer_expires_at   timestamptz,
  sent_at            timestamptz,
  accepted_at        timestamptz,
  lease_until        timestamptz,
  -- Silence until then ends the attempt, or abandons an apply whose permit is used.
  give_up_at         timestamptz,
  -- No exit until then, after a cancel or time-out, ends the attempt or makes an apply stuck.
  stop_by            timestamptz,
  -- Once exited: settle without what is still missing.
  settle_by          timestamptz,
  permit             text NOT NULL DEFAULT 'none' CHECK (permit IN ('none', 'live', 'used', 'withdrawn')),
  permit_nonce       text,
  -- The id of Terraform's own state lock, once its LOCK was answered.
  lock_id            text,
  -- Its death was proved before an exit record came.
  interrupted        boolean NOT NULL DEFAULT false,
  -- When the phase under way is over its time.
  timeout_at         timestamptz,
  stage              text,
  terraform_version  text,
  exited_at          timestamptz,
  ended_at           timestamptz,
  exit_code          integer,
  signal             text,
  -- The exit record as it came, once it came.
  finish             jsonb,
  -- Phases whose log is stored exactly as the exit record names it.
  logs_in            jsonb NOT NULL DEFAULT '[]',
  -- An exit record that came after the end.
  late_finish        jsonb,
  created_at         timestamptz NOT NULL DEFAULT now(),
  UNIQUE (task_id, number),
  UNIQUE (workspace_id, epoch),
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, task_id) REFERENCES tasks (organization_id, id),
  FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id),
  FOREIGN KEY (organization_id, agent_id) REFERENCES agents (organization_id, id)
);
ALTER TABLE attempts SET (fillfactor = 80);
CREATE INDEX attempts_by_agent ON attempts (agent_id, offered_at DESC);
CREATE INDEX attempts_open ON attempts (agent_id) WHERE state <> 'ended';
CREATE INDEX attempts_open_by_workspace ON attempts (workspace_id) WHERE state <> 'ended';
-- At most one live or used permit in an attempt that has not ended, per workspace: the last line of defence.
CREATE UNIQUE INDEX attempts_one_permit ON attempts (workspace_id) WHERE permit IN ('live', 'used') AND state <> 'ended';

CREATE TABLE plan_files (
  attempt_id       text PRIMARY KEY,
  organization_id  text NOT NULL,
  blob_id          text NOT NULL,
  bundle_checksum  text NOT NULL,
  plan_checksum    text NOT NULL,
  size             bigint NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (organization_id, attempt_id) REFERENCES attempts (organization_id, id),
  FOREIGN KEY (organization_id, blob_id) REFERENCES blobs (organization_id, id)
);
CREATE INDEX plan_files_by_blob ON plan_files (blob_id);

CREATE TABLE log_streams (
  attempt_id         text NOT NULL,
  phase              text NOT NULL CHECK (phase IN ('plan', 'apply')),
  organization_id    text NOT NULL,
  task_id            text NOT NULL,
  length             bigint NOT NULL DEFAULT 0,
  complete           boolean NOT NULL DEFAULT false,
  incomplete_reason  text,
  -- What the exit record says the stream must come to.
  final_length       bigint,
  checksum           text,
  archived_key       text,
  -- Where in the archived file which bytes lie, once it is archived.
  archive_index      jsonb,
  created_at         timestamptz NOT NULL DEFAULT now(),
  updated_at         timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (attempt_id, phase),
  FOREIGN KEY (organization_id, attempt_id) REFERENCES attempts (organization_id, id),
  FOREIGN KEY (organization_id, task_id) REFERENCES tasks (organization_id, id)
);
ALTER TABLE log_streams SET (fillfactor = 70);
CREATE INDEX log_streams_by_task ON log_streams (task_id);
CREATE INDEX log_streams_to_archive ON log_streams (updated_at) WHERE archived_key IS NULL;
CREATE TABLE log_segments (
  attempt_id  text NOT NULL,
  phase       text NOT NULL,
  "offset"    bigint NOT NULL,
  length      bigint NOT NULL,
  -- Set when the stored bytes are shorter than `length`: a gap record in place of what the size limit cut out.
  gap         boolean NOT NULL DEFAULT false,
  encoding    text NOT NULL DEFAULT 'identity',
  content     bytea NOT NULL,
  written_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (attempt_id, phase, "offset"),
  FOREIGN KEY (attempt_id, phase) REFERENCES log_streams (attempt_id, phase)
);
ALTER TABLE log_segments ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE state_versions (
  id                 text PRIMARY KEY,
  organization_id    text NOT NULL,
  workspace_id       text NOT NULL,
  version            integer NOT NULL,
  serial             bigint NOT NULL,
  lineage            text NOT NULL,
  checksum           text NOT NULL,
  size               bigint NOT NULL,
  blob_id            text NOT NULL,
  standing           text NOT NULL CHECK (standing IN ('current', 'past', 'superseded', 'quarantined', 'discarded')),
  standing_reason    text,
  terraform_version  text,
  resource_count     integer NOT NULL DEFAULT 0,
  outputs            jsonb NOT NULL DEFAULT '{}',
  task_id            text,
  attempt_id         text,
  created_by         text NOT NULL,
  message            text NOT NULL DEFAULT '',
  created_at         timestamptz NOT NULL DEFAULT now(),
  UNIQUE (workspace_id, version),
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id),
  FOREIGN KEY (organization_id, task_id) REFERENCES tasks (organization_id, id),
  FOREIGN KEY (organization_id, attempt_id) REFERENCES attempts (organization_id, id),
  FOREIGN KEY (organization_id, blob_id) REFERENCES blobs (organization_id, id)
);
CREATE INDEX state_versions_by_blob ON state_versions (blob_id);
CREATE UNIQUE INDEX state_versions_one_current ON state_versions (workspace_id) WHERE standing = 'current';
CREATE INDEX state_versions_quarantined ON state_versions (workspace_id) WHERE standing = 'quarantined';
-- The same content again from the same attempt is the same version.
CREATE UNIQUE INDEX state_versions_once ON state_versions (attempt_id, lineage, serial, checksum) WHERE attempt_id IS NOT NULL;

CREATE TABLE task_events (
  seq              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organization_id  text NOT NULL,
  task_id          text NOT NULL,
  at               timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind             text NOT NULL,
  message          text NOT NULL,
  data             jsonb NOT NULL DEFAULT '{}',
  FOREIGN KEY (organization_id, task_id) REFERENCES tasks (organization_id, id)
);
CREATE INDEX task_events_by_task ON task_events (task_id, seq);

-- What consoles and other readers follow by cursor; swept after a while.
CREATE TABLE events (
  seq              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organization_id  text NOT NULL REFERENCES organizations (id),
  at               timestamptz NOT NULL DEFAULT clock_timestamp(),
  noun             text NOT NULL,
  subject_id       text NOT NULL,
  kind             text NOT NULL,
  workspace_id     text,
  data             jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX events_by_organization ON events (organization_id, seq);
CREATE INDEX events_by_age ON events (at);

CREATE TABLE audit (
  seq              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organization_id  text NOT NULL REFERENCES organizations (id),
  at               timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor_kind       text NOT NULL CHECK (actor_kind IN ('user', 'agent', 'attempt', 'system')),
  actor_id         text,
  actor_name       text NOT NULL,
  action           text NOT NULL,
  noun             text NOT NULL,
  subject_id       text,
  subject_name     text,
  address          text,
  request_id       text,
  before           jsonb,
  after            jsonb
);
CREATE INDEX audit_by_organization ON audit (organization_id, seq DESC);
CREATE INDEX audit_by_subject ON audit (organization_id, subject_id, seq DESC);

CREATE TABLE idempotency_keys (
  organization_id  text NOT NULL REFERENCES organizations (id),
  caller_id        text NOT NULL,
  key              text NOT NULL,
  route            text NOT NULL,
  request_hash     text NOT NULL,
  -- The request that has the right to carry it out, and since when.
  claim_id         text NOT NULL,
  claimed_at       timestamptz NOT NULL DEFAULT now(),
  -- Set in the transaction that makes the change.
  committed        boolean NOT NULL DEFAULT false,
  -- The answer, once there is one. Null body beside a status other than 204: it held a secret.
  status           integer,
  body             jsonb,
  created_at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, caller_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
