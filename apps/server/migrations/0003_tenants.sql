-- The database itself refuses a row that would join two tenants: every foreign key between tables of tenants carries
-- organization_id on both sides (docs/tenants.md, docs/adr/0008). What 0001 left open is closed here.

ALTER TABLE organizations
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN deleted_at timestamptz,
  DROP CONSTRAINT organizations_name_key;
CREATE UNIQUE INDEX organizations_name ON organizations (lower(name)) WHERE deleted_at IS NULL;

-- Pieces of blobs and logs: the same number of foreign keys and indexes as before, some bytes more in each row.
ALTER TABLE blob_chunks ADD COLUMN organization_id text;
UPDATE blob_chunks c SET organization_id = b.organization_id FROM blobs b WHERE b.id = c.blob_id;
ALTER TABLE blob_chunks
  ALTER COLUMN organization_id SET NOT NULL,
  DROP CONSTRAINT blob_chunks_blob_id_fkey,
  ADD FOREIGN KEY (organization_id, blob_id) REFERENCES blobs (organization_id, id) ON DELETE CASCADE;

ALTER TABLE log_segments ADD COLUMN organization_id text;
UPDATE log_segments g SET organization_id = s.organization_id FROM log_streams s
  WHERE s.attempt_id = g.attempt_id AND s.phase = g.phase;
ALTER TABLE log_segments
  ALTER COLUMN organization_id SET NOT NULL,
  DROP CONSTRAINT log_segments_attempt_id_phase_fkey;
-- One index as before. An attempt belongs to one organisation, so that a stream is still unique by attempt and phase.
ALTER TABLE log_streams
  DROP CONSTRAINT log_streams_pkey,
  ADD PRIMARY KEY (attempt_id, phase, organization_id);
ALTER TABLE log_segments
  ADD FOREIGN KEY (organization_id, attempt_id, phase) REFERENCES log_streams (organization_id, attempt_id, phase);

-- Pointers that were plain texts. They point forward within one transaction (the workspace takes its number before the row
-- exists), so they are looked at when it commits.
ALTER TABLE workspaces
  ADD FOREIGN KEY (organization_id, configuration_id) REFERENCES configurations (organization_id, id) DEFERRABLE INITIALLY DEFERRED,
  ADD FOREIGN KEY (organization_id, state_version_id) REFERENCES state_versions (organization_id, id) DEFERRABLE INITIALLY DEFERRED,
  ADD FOREIGN KEY (organization_id, hold_task_id) REFERENCES tasks (organization_id, id) DEFERRABLE INITIALLY DEFERRED,
  ADD FOREIGN KEY (organization_id, permit_attempt_id) REFERENCES attempts (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE tasks
  ADD FOREIGN KEY (organization_id, attempt_id) REFERENCES attempts (organization_id, id) DEFERRABLE INITIALLY DEFERRED,
  ADD FOREIGN KEY (organization_id, plan_attempt_id) REFERENCES attempts (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE pool_tokens ADD UNIQUE (organization_id, id);
ALTER TABLE agents
  ADD FOREIGN KEY (organization_id, pool_token_id) REFERENCES pool_tokens (organization_id, id);
