-- Passwords, sign-on elsewhere, and what only some people may do: roles on single workspaces, tokens that can do less than
-- their owner, machine clients.

ALTER TABLE users
  -- argon2id in the PHC format; null for who signs in otherwise.
  ADD COLUMN password_hash text,
  ADD COLUMN password_changed_at timestamptz,
  -- Who it is at the OpenID provider.
  ADD COLUMN oidc_issuer text,
  ADD COLUMN oidc_subject text;
CREATE UNIQUE INDEX users_oidc ON users (organization_id, oidc_issuer, oidc_subject)
  WHERE deleted_at IS NULL AND oidc_subject IS NOT NULL;
CREATE INDEX users_login ON users (lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX users_email ON users (lower(email)) WHERE deleted_at IS NULL AND email IS NOT NULL;

ALTER TABLE api_tokens
  -- Lists of permissions and of workspace ids; null leaves everything that its owner may do.
  ADD COLUMN scopes jsonb,
  ADD COLUMN workspace_ids jsonb;

-- A role on one workspace, beside the one in the organisation.
CREATE TABLE grants (
  id               text PRIMARY KEY,
  organization_id  text NOT NULL,
  workspace_id     text NOT NULL,
  user_id          text NOT NULL,
  role             text NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'planner', 'viewer')),
  created_by       text NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  UNIQUE (user_id, workspace_id),
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces (organization_id, id),
  FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);
CREATE INDEX grants_by_workspace ON grants (workspace_id, created_at);

-- A browser that is signed in.
CREATE TABLE sessions (
  id               text PRIMARY KEY,
  organization_id  text NOT NULL,
  user_id          text NOT NULL,
  secret_hash      text NOT NULL UNIQUE,
  address          text NOT NULL,
  user_agent       text NOT NULL DEFAULT '',
  created_at       timestamptz NOT NULL DEFAULT now(),
  last_used_at     timestamptz NOT NULL DEFAULT now(),
  expires_at       timestamptz NOT NULL,
  revoked_at       timestamptz,
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at DESC);
CREATE INDEX sessions_by_age ON sessions (expires_at);

-- How fast passwords may be tried, by account and by address: a leaky bucket in one row. Keys are hashes.
CREATE TABLE sign_in_limits (
  key       text PRIMARY KEY,
  -- When the bucket will be empty.
  empty_at  timestamptz NOT NULL
);
CREATE INDEX sign_in_limits_by_age ON sign_in_limits (empty_at);

-- Sign-ons through the OpenID provider that have been used, by the hash of their state: each works once.
CREATE TABLE oidc_states (
  state_hash  text PRIMARY KEY,
  used_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX oidc_states_by_age ON oidc_states (used_at);

-- What a CLI trades, once, for an API token after its browser has signed on.
CREATE TABLE sign_in_codes (
  code_hash        text PRIMARY KEY,
  organization_id  text NOT NULL,
  user_id          text NOT NULL,
  code_challenge   text NOT NULL,
  expires_at       timestamptz NOT NULL,
  FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);
CREATE INDEX sign_in_codes_by_age ON sign_in_codes (expires_at);

-- Programs with a key and a secret of their own.
CREATE TABLE machine_clients (
  id                       text PRIMARY KEY,
  organization_id          text NOT NULL REFERENCES organizations (id),
  name                     text NOT NULL,
  description              text NOT NULL DEFAULT '',
  app_key                  text NOT NULL UNIQUE,
  secret_hash              text NOT NULL,
  -- The secret before the last rotation, which works on for a while.
  previous_secret_hash     text,
  previous_secret_until    timestamptz,
  role                     text NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'planner', 'viewer', 'member')),
  scopes                   jsonb,
  workspace_ids            jsonb,
  -- Agents that register with the key get into this pool.
  pool_id                  text,
  created_by               text NOT NULL,
  created_at               timestamptz NOT NULL DEFAULT now(),
  updated_at               timestamptz NOT NULL DEFAULT now(),
  expires_at               timestamptz,
  last_used_at             timestamptz,
  revoked_at               timestamptz,
  UNIQUE (organization_id, id),
  FOREIGN KEY (organization_id, pool_id) REFERENCES pools (organization_id, id)
);
CREATE UNIQUE INDEX machine_clients_name ON machine_clients (organization_id, lower(name)) WHERE revoked_at IS NULL;

-- What an agent registered with is a pool's token or a machine client; either is of the agent's organisation.
ALTER TABLE agents
  DROP CONSTRAINT agents_organization_id_pool_token_id_fkey,
  ADD COLUMN registered_by_token text GENERATED ALWAYS AS (CASE WHEN pool_token_id NOT LIKE 'client-%' THEN pool_token_id END) STORED,
  ADD COLUMN registered_by_client text GENERATED ALWAYS AS (CASE WHEN pool_token_id LIKE 'client-%' THEN pool_token_id END) STORED,
  ADD FOREIGN KEY (organization_id, registered_by_token) REFERENCES pool_tokens (organization_id, id),
  ADD FOREIGN KEY (organization_id, registered_by_client) REFERENCES machine_clients (organization_id, id);

ALTER TABLE audit DROP CONSTRAINT audit_actor_kind_check;
ALTER TABLE audit ADD CONSTRAINT audit_actor_kind_check
  CHECK (actor_kind IN ('user', 'client', 'agent', 'attempt', 'system'));
