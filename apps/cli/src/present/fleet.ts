import type { Agent, ApiToken, Pool } from '@groundcrew/protocol';
import type { Style } from '../terminal/style.ts';
import { formatFields, formatTable } from '../terminal/table.ts';
import { formatAgo, formatTime } from './times.ts';

const formatAgentStatus = (status: Agent['status'], style: Style): string => {
  if (status === 'online' || status === 'busy') return style.green(status);
  return status === 'error' ? style.red(status) : style.dim(status);
};

const formatPool = (id: string | null, pools: readonly Pool[]): string =>
  pools.find((pool) => pool.id === id)?.name ?? id ?? '–';

const formatVersions = ({ capabilities }: Agent): string =>
  [
    ...capabilities.terraform_versions.map((version) => `terraform ${version}`),
    ...capabilities.tofu_versions.map((version) => `tofu ${version}`),
    ...(capabilities.installs_versions ? ['installs others'] : []),
  ].join(', ');

export function formatAgents(agents: readonly Agent[], pools: readonly Pool[], style: Style, now: number): string {
  if (agents.length === 0) return 'No agents.';
  const rows = agents.map((agent) => [
    agent.name,
    formatPool(agent.pool_id, pools),
    `${formatAgentStatus(agent.status, style)}${agent.draining ? style.yellow(' (draining)') : ''}`,
    String(agent.running_attempts),
    formatAgo(agent.last_heartbeat_at, now),
    agent.version ?? '',
    agent.labels.join(' '),
  ]);
  return formatTable(['AGENT', 'POOL', 'STATUS', 'RUNNING', 'HEARD', 'VERSION', 'LABELS'], rows, style);
}

export function formatAgent(agent: Agent, pools: readonly Pool[], style: Style, now: number): string {
  const count = `${agent.total_tasks} (${agent.success_tasks} well, ${agent.failed_tasks} failed)`;
  return formatFields(
    [
      ['Agent', agent.name],
      ['Id', agent.id],
      ['Own id', agent.agent_id],
      ['Description', agent.description],
      ['Pool', formatPool(agent.pool_id, pools)],
      ['Status', formatAgentStatus(agent.status, style)],
      ['Heard', formatAgo(agent.last_heartbeat_at, now)],
      ['Link', agent.connected ? 'command socket open' : 'no command socket'],
      ['Running', `${agent.running_attempts} of ${agent.limits.max_concurrent_jobs}`],
      ['Tasks', count],
      ['Programs', formatVersions(agent)],
      ['Labels', agent.labels.join(', ')],
      ['Secrets', agent.permissions.can_access_secrets ? 'may read them' : 'may not read them'],
      ['Workspaces', agent.permissions.allowed_workspaces?.join(', ') ?? 'all'],
      ['Version', agent.version],
      ['Token expires', agent.token_expires_at && formatTime(agent.token_expires_at)],
    ],
    style,
  );
}

export function formatPools(pools: readonly Pool[], style: Style): string {
  if (pools.length === 0) return 'No pools.';
  const rows = pools.map((pool) => [
    pool.name,
    pool.id,
    String(pool.agent_ids.length),
    pool.selection_strategy,
    pool.built_in ? "the server's own" : pool.description,
  ]);
  return formatTable(['POOL', 'ID', 'AGENTS', 'STRATEGY', 'DESCRIPTION'], rows, style);
}

export function formatPoolDetails(pool: Pool, agents: readonly Agent[], style: Style): string {
  const names = pool.agent_ids.map((id) => agents.find((agent) => agent.id === id)?.name ?? id);
  return formatFields(
    [
      ['Pool', pool.name],
      ['Id', pool.id],
      ['Description', pool.built_in ? `${pool.description} (the server's own)`.trim() : pool.description],
      ['Members', pool.pool_type === 'static' ? 'listed ones only' : 'whoever brings its token and carries its labels'],
      ['Strategy', pool.selection_strategy],
      ['Labels required', pool.required_labels.join(', ')],
      ['Plans per agent', String(pool.max_plan_concurrency)],
      ['Tasks at once', pool.max_concurrent_tasks == null ? 'no limit' : String(pool.max_concurrent_tasks)],
      ['Applies at once', pool.allow_apply_concurrent ? 'yes' : 'one per agent'],
      ['Agents', names.length === 0 ? 'none' : names.join('\n')],
    ],
    style,
  );
}

export function formatTokens(tokens: readonly ApiToken[], style: Style, now: number): string {
  if (tokens.length === 0) return 'No tokens.';
  const rows = tokens.map((token) => [
    token.name,
    token.id,
    token.kind === 'sign_in' ? 'sign-in' : 'api',
    token.revoked_at
      ? style.dim('revoked')
      : token.expires_at
        ? `until ${formatTime(token.expires_at)}`
        : 'does not expire',
    token.last_used_at ? `used ${formatAgo(token.last_used_at, now)}` : 'never used',
  ]);
  return formatTable(['TOKEN', 'ID', 'KIND', 'VALID', 'USED'], rows, style);
}
