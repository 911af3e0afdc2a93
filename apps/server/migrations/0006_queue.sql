-- How many tasks may run at once; null is no limit. An agent's own limit (`limits`) is what it says of itself when it signs
-- on; the smaller of the two counts.
ALTER TABLE organizations ADD COLUMN max_concurrent_tasks integer CHECK (max_concurrent_tasks >= 1);
ALTER TABLE pools ADD COLUMN max_concurrent_tasks integer CHECK (max_concurrent_tasks >= 1);
ALTER TABLE workspaces ADD COLUMN max_concurrent_tasks integer CHECK (max_concurrent_tasks >= 1);
ALTER TABLE agents ADD COLUMN max_concurrent_tasks integer CHECK (max_concurrent_tasks >= 1);

-- Labels that make an agent the better choice under label_match.
ALTER TABLE workspaces ADD COLUMN preferred_labels jsonb NOT NULL DEFAULT '[]';

-- A rotated token counts beside its successor for a while.
ALTER TABLE agents ADD COLUMN previous_token_hash text UNIQUE;
ALTER TABLE agents ADD COLUMN previous_token_expires_at timestamptz;
ALTER TABLE pool_tokens ADD COLUMN rotated_from text;

-- Tokens that programs use: what they ask for stands behind what people ask for.
ALTER TABLE api_tokens ADD COLUMN automation boolean NOT NULL DEFAULT false;

-- The queue. It is read on every pass, however long the history is.
CREATE INDEX tasks_waiting ON tasks (seq) WHERE status = 'pending' AND attempt_id IS NULL;
-- Only where there is such an agent does it matter which tasks have sensitive values.
CREATE INDEX agents_without_secrets ON agents (organization_id)
  WHERE deleted_at IS NULL AND permissions ->> 'can_access_secrets' = 'false';
CREATE INDEX agents_by_pool_token ON agents (pool_token_id) WHERE deleted_at IS NULL;
