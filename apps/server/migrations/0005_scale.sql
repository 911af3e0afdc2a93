-- Lists and loops cost the same with a million finished tasks as with none.

-- Tasks by status, of everybody and of one workspace; and those that have not ended.
CREATE INDEX tasks_by_status ON tasks (organization_id, status, seq DESC);
CREATE INDEX tasks_of_workspace_by_status ON tasks (workspace_id, status, seq DESC);
CREATE INDEX tasks_active ON tasks (organization_id, seq DESC)
  WHERE status IN ('pending', 'running', 'awaiting_approval', 'needs_attention');

-- Agents in the order of their list.
CREATE INDEX agents_list ON agents (organization_id, name) WHERE deleted_at IS NULL;
-- Offers are answered within seconds: whoever looks for one that was not sent finds next to nothing, whatever else is open.
CREATE INDEX attempts_offered ON attempts (agent_id) WHERE state = 'offered';

-- Each way of asking the audit log, newest first; and where in it a time lies.
CREATE INDEX audit_by_noun ON audit (organization_id, noun, seq DESC);
CREATE INDEX audit_by_noun_and_action ON audit (organization_id, noun, action, seq DESC);
-- Tells the planner which nouns and actions meet, or it looks for those that do not through all that have one of them.
CREATE STATISTICS audit_noun_and_action (mcv) ON noun, action FROM audit;
CREATE INDEX audit_by_action ON audit (organization_id, action, seq DESC);
CREATE INDEX audit_by_actor ON audit (organization_id, actor_id, seq DESC);
CREATE INDEX audit_by_time ON audit (organization_id, at);

-- Empty logs are never archived, and would be looked at again in every round.
DROP INDEX log_streams_to_archive;
CREATE INDEX log_streams_to_archive ON log_streams (updated_at) WHERE archived_key IS NULL AND length > 0;
