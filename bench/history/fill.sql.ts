/** How much history there is to be. */
export interface Amount {
  tasks: number;
  workspaces: number;
}

/** Agents and pools of the past; a handful of them has most of the work, as everywhere. */
const AGENTS = 200;
const POOLS = 20;

/** Tables of which a new server has no row yet … */
export const EMPTY_AT_FIRST = [
  'tasks',
  'attempts',
  'task_events',
  'approvals',
  'plan_files',
  'state_versions',
  'log_streams',
  'log_segments',
] as const;
/** … and with them all that grow with every task. */
export const GROWN = [...EMPTY_AT_FIRST, 'blobs', 'audit', 'audit_chain', 'events'] as const;

/**
 * Ids are computed from numbers, so that children name their parents without looking them up, and look as random to an index as
 * real ones. `h_share` gives every number a fixed share of 1, by which statuses and owners are spread.
 */
const FUNCTIONS = `
CREATE FUNCTION pg_temp.h_id(prefix text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN prefix || '-' || substr(md5(prefix || n), 1, 20);
CREATE FUNCTION pg_temp.h_sum(what text) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN encode(sha256(convert_to(what, 'UTF8')), 'hex');
CREATE FUNCTION pg_temp.h_stamp(what text) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN overlay(substr(pg_temp.h_sum(what), 1, 60) PLACING '.' FROM 17 FOR 1);
CREATE FUNCTION pg_temp.h_share(n bigint, salt integer) RETURNS double precision LANGUAGE sql IMMUTABLE
  RETURN (hashint8extended(n, salt) & 16777215) / 16777216.0`;

/** Task n: whose it is, when it was, how it ended. The first workspace has one task in twenty, the last ones a few. */
const facts = ({ tasks, workspaces }: Amount): string => `
CREATE TEMP TABLE fact AS
SELECT n, org, pg_temp.h_id('task', n) AS task, pg_temp.h_id('att', n) AS attempt,
  1 + floor(${workspaces} * power(pg_temp.h_share(n, 1), 3))::bigint AS w,
  1 + floor(${AGENTS} * power(pg_temp.h_share(n, 2), 2))::bigint AS g,
  now() - (${tasks} - n) * interval '365 days' / ${tasks} - interval '1 hour' AS at,
  k < 0.6 AS is_plan,
  CASE WHEN k < 0.5 THEN 'success' WHEN k < 0.6 THEN 'failed' WHEN k < 0.95 THEN 'applied' WHEN k < 0.995 THEN 'failed' ELSE 'cancelled' END AS status,
  'person ' || floor(40 * pg_temp.h_share(n, 4)) AS person
FROM (SELECT n, pg_temp.h_share(n, 3) AS k, (SELECT id FROM organizations ORDER BY created_at LIMIT 1) AS org FROM generate_series(1, ${tasks}) n) AS numbered`;

const parents = ({ workspaces }: Amount): string[] => [
  `INSERT INTO pools (id, organization_id, name, pool_type, selection_strategy)
   SELECT pg_temp.h_id('pool', n), (SELECT id FROM organizations ORDER BY created_at LIMIT 1), 'past pool ' || n, 'dynamic', 'round_robin' FROM generate_series(1, ${POOLS}) n`,
  `INSERT INTO agents (id, organization_id, agent_id, name, pool_id, labels, capabilities, version, last_heartbeat_at)
   SELECT pg_temp.h_id('agent', n), p.organization_id, 'past-agent-' || n, 'past-agent-' || n, p.id, '["region=eu"]', '{"terraform_versions": ["1.11.4"]}', '0.1.0', now() - interval '1 hour'
   FROM generate_series(1, ${AGENTS}) n JOIN pools p ON p.id = pg_temp.h_id('pool', 1 + n % ${POOLS})`,
  `INSERT INTO workspaces (id, organization_id, name, description, execution_mode, agent_pool_id, labels, tf_code, configuration_id, state_lineage)
   SELECT pg_temp.h_id('ws', n), p.organization_id, (ARRAY['network', 'cluster', 'database', 'queue', 'site'])[1 + n % 5] || '-' || lpad(n::text, 6, '0'), 'Workspace number ' || n,
     'agent', p.id, '["region=eu"]', 'resource "terraform_data" "one" { input = ' || n || ' }', pg_temp.h_id('cv', n), 'lineage-' || n
   FROM generate_series(1, ${workspaces}) n JOIN pools p ON p.id = pg_temp.h_id('pool', 1 + n % ${POOLS})`,
  `INSERT INTO blobs (id, organization_id, purpose, subject_id, size, sha256, created_at)
   SELECT pg_temp.h_id('blobc', n), organization_id, 'configuration', pg_temp.h_id('cv', n), 900, pg_temp.h_sum(n::text), now() - interval '365 days'
   FROM generate_series(1, ${workspaces}) n JOIN workspaces w ON w.id = pg_temp.h_id('ws', n)`,
  `INSERT INTO configurations (id, organization_id, workspace_id, number, source, blob_id, checksum, size, files, created_by)
   SELECT pg_temp.h_id('cv', n), organization_id, w.id, 1, 'archive', pg_temp.h_id('blobc', n), pg_temp.h_sum(n::text), 900, 3, 'person 1'
   FROM generate_series(1, ${workspaces}) n JOIN workspaces w ON w.id = pg_temp.h_id('ws', n)`,
  `INSERT INTO variables (id, organization_id, workspace_id, key, category, value)
   SELECT pg_temp.h_id('var', n * 10 + k), organization_id, w.id, 'key_' || k, 'terraform', 'value ' || n
   FROM generate_series(1, ${workspaces}) n JOIN workspaces w ON w.id = pg_temp.h_id('ws', n), generate_series(1, 3) k`,
];

const TASKS = `
INSERT INTO tasks (id, organization_id, workspace_id, task_type, status, phase, reason_code, reason_message, error_message, auto_approve, configuration_id, pool_id,
  attempt_counter, plan_attempt_id, plan_checksum, plan_stored_at, plan_has_changes, plan_details, changes_add, changes_change, changes_destroy, changes_replace, changes_import,
  message, context, created_by, created_at, started_at, completed_at)
SELECT task, org, pg_temp.h_id('ws', w), CASE WHEN is_plan THEN 'plan' ELSE 'plan_and_apply' END, status, CASE WHEN is_plan THEN 'plan' ELSE 'apply' END,
  CASE status WHEN 'failed' THEN 'plan_error' WHEN 'cancelled' THEN 'cancelled' END, CASE WHEN status IN ('failed', 'cancelled') THEN 'It ended so in the past.' END,
  CASE status WHEN 'failed' THEN 'Error: Invalid value for variable' END, NOT is_plan, pg_temp.h_id('cv', w), pg_temp.h_id('pool', 1 + g % ${POOLS}), 1,
  attempt, pg_temp.h_sum(task), at + interval '20 seconds', NOT is_plan,
  '{"counts": {"add": 1, "change": 2, "destroy": 0, "replace": 0, "import": 0}, "has_changes": true, "terraform_version": "1.11.4", "resource_changes": [], "output_changes": []}',
  1, 2, 0, 0, 0, 'Change number ' || n, '{"source": "pipeline"}', person, at, at + interval '2 seconds', at + interval '1 minute'
FROM fact ORDER BY n`;

/** What belongs to tasks, in the order in which time wrote it. */
const CHILDREN = [
  `INSERT INTO attempts (id, organization_id, workspace_id, task_id, number, epoch, action, agent_id, state, outcome, secret_hash, offered_at, sent_at, accepted_at, permit, stage, terraform_version, exited_at, ended_at, exit_code, finish, logs_in, created_at)
   SELECT attempt, org, pg_temp.h_id('ws', w), task, 1, n, CASE WHEN is_plan THEN 'plan' ELSE 'plan_apply' END, pg_temp.h_id('agent', g), 'ended', 'finished', pg_temp.h_sum(attempt),
     at, at, at + interval '1 second', CASE WHEN is_plan THEN 'none' ELSE 'used' END, 'completed', '1.11.4', at + interval '50 seconds', at + interval '1 minute', CASE status WHEN 'failed' THEN 1 ELSE 0 END,
     '{"result": "succeeded", "exit_code": 0, "signal": null}', '["plan"]', at
   FROM fact ORDER BY n`,
  `INSERT INTO task_events (organization_id, task_id, at, kind, message)
   SELECT org, task, at + k * interval '12 seconds', (ARRAY['created', 'offered', 'accepted', 'ended'])[k], 'Something that happened to it.' FROM fact, generate_series(1, 4) k ORDER BY n, k`,
  `INSERT INTO approvals (id, organization_id, task_id, plan_checksum, by_kind, approved_by, created_at)
   SELECT pg_temp.h_id('apr', n), org, task, pg_temp.h_sum(task), 'auto', 'auto-approve', at FROM fact WHERE NOT is_plan ORDER BY n`,
  `INSERT INTO blobs (id, organization_id, purpose, subject_id, size, sha256, created_at)
   SELECT pg_temp.h_id(kind, n), org, kind, attempt, 2000, pg_temp.h_sum(task), at FROM fact, unnest(ARRAY['blobp', 'blobs']) kind WHERE status IN ('success', 'applied') AND (kind = 'blobp' OR NOT is_plan) ORDER BY n`,
  `INSERT INTO plan_files (attempt_id, organization_id, blob_id, bundle_checksum, plan_checksum, size, created_at)
   SELECT attempt, org, pg_temp.h_id('blobp', n), pg_temp.h_sum(task), pg_temp.h_sum(task), 2000, at FROM fact WHERE status IN ('success', 'applied') ORDER BY n`,
  `INSERT INTO state_versions (id, organization_id, workspace_id, version, serial, lineage, checksum, size, blob_id, standing, terraform_version, resource_count, outputs, task_id, attempt_id, created_by, created_at)
   SELECT pg_temp.h_id('sv', n), org, pg_temp.h_id('ws', w), v, v, 'lineage-' || w, pg_temp.h_sum(task), 2000, pg_temp.h_id('blobs', n), CASE WHEN next IS NULL THEN 'current' ELSE 'past' END, '1.11.4', 12,
     '{"address": {"value": "10.0.0.1", "type": "string", "sensitive": false}}', task, attempt, person, at
   FROM (SELECT *, row_number() OVER (PARTITION BY w ORDER BY n) AS v, lead(n) OVER (PARTITION BY w ORDER BY n) AS next FROM fact WHERE status = 'applied') AS numbered ORDER BY n`,
  `UPDATE workspaces w SET state_version_id = s.id, state_version_counter = s.version, state_serial = s.serial, state_checksum = s.checksum, epoch_counter = 2000000000
   FROM state_versions s WHERE s.workspace_id = w.id AND s.standing = 'current'`,
  `INSERT INTO log_streams (attempt_id, phase, organization_id, task_id, length, complete, final_length, checksum, archived_key, archive_index, created_at, updated_at)
   SELECT attempt, phase, org, task, 2400, true, 2400, pg_temp.h_sum(task), CASE WHEN n % 10 > 0 THEN 'past/' || attempt || '.gz' END,
     CASE WHEN n % 10 > 0 THEN '[{"offset": 0, "length": 2400, "gap": false, "at": 0, "size": 400, "segments": [[2400, 1700000000000]]}]'::jsonb END,
     at, CASE WHEN n % 10 > 0 THEN at ELSE now() END
   FROM fact, unnest(ARRAY['plan', 'apply']) phase WHERE phase = 'plan' OR NOT is_plan ORDER BY n`,
  // What is not in the archive yet; PostgreSQL keeps it as it is, so its size is true.
  `INSERT INTO log_segments (attempt_id, phase, organization_id, "offset", length, content, written_at)
   SELECT attempt, phase, org, part * 800, 800, convert_to(repeat(E'terraform_data.one: Refreshing state...\\n', 20), 'UTF8'), at
   FROM fact, unnest(ARRAY['plan', 'apply']) phase, generate_series(0, 2) part WHERE (phase = 'plan' OR NOT is_plan) AND n % 10 = 0 ORDER BY n`,
  `INSERT INTO audit (organization_id, at, actor_kind, actor_id, actor_name, credential_id, action, noun, subject_id, subject_name, address, user_agent, request_id, after, stamp)
   SELECT org, at, 'user', 'user-' || person, person, 'tok-' || person, CASE noun WHEN 'task' THEN 'create' ELSE 'update' END, noun, CASE noun WHEN 'task' THEN task ELSE pg_temp.h_id('ws', w) END,
     'a workspace', '192.0.2.1', 'groundcrew/0.1.0', 'req-' || n, '{"message": "as it was in the past"}', pg_temp.h_stamp(noun || n)
   FROM fact, unnest(ARRAY['task', 'workspace']) noun WHERE noun = 'task' OR n % 10 = 0 ORDER BY n`,
  // Events are kept for a week.
  `INSERT INTO events (organization_id, at, noun, subject_id, kind, workspace_id)
   SELECT org, at, 'task', task, kind, pg_temp.h_id('ws', w) FROM fact, unnest(ARRAY['create', 'offered', 'running', 'stage', 'progress', 'planned', 'finished', 'ended']) kind WHERE at > now() - interval '7 days' ORDER BY n`,
];

/**
 * A server of that age sealed each entry when it was written. The chain goes on where the server left it, as long and as wide as a
 * real one; its hashes and signature are made up, since only the server has the key: it lets itself be continued, and not verified.
 */
const SEALED = [
  `INSERT INTO audit_chain (organization_id, position, seq, hash, stamp)
   SELECT a.organization_id, coalesce(h.position, 0) + row_number() OVER (PARTITION BY a.organization_id ORDER BY a.seq), a.seq, pg_temp.h_sum('link' || a.seq), a.stamp
   FROM audit a LEFT JOIN audit_heads h USING (organization_id)
   WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.organization_id = a.organization_id AND c.seq = a.seq) ORDER BY a.seq`,
  `INSERT INTO audit_heads (organization_id, position, hash, unstamped, sealed_at, signature)
   SELECT DISTINCT ON (organization_id) organization_id, position, hash, 0, now(), 'made up' FROM audit_chain ORDER BY organization_id, position DESC
   ON CONFLICT (organization_id) DO UPDATE SET position = excluded.position, hash = excluded.hash, sealed_at = excluded.sealed_at, signature = excluded.signature`,
  `INSERT INTO server_facts (key, value) SELECT 'audit settled', to_jsonb(max(seq)) FROM audit
   ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()`,
];

/** The statements that write it, in order, in one session. */
export const fillStatements = (amount: Amount): string[] => [
  FUNCTIONS,
  facts(amount),
  ...parents(amount),
  TASKS,
  ...CHILDREN,
  ...SEALED,
];
