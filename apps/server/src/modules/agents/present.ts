import { type Agent, type AgentPermissions, Capabilities, type Heartbeat } from '@groundcrew/protocol';
import { isConnected, type Liveness, statusOf } from './agent.ts';
import type { AgentRow } from './store.ts';

const iso = (date: Date | null): string | null => (date === null ? null : date.toISOString());

export const livenessOf = (row: AgentRow): Liveness => ({
  lastHeartbeatAt: row.last_heartbeat_at,
  lastMessageAt: row.last_message_at,
  lastPullAt: row.last_pull_at,
  connectedReplica: row.connected_replica,
  reportedStatus: row.reported_status,
  silentOffers: row.silent_offers,
  runningAttempts: row.running_attempts,
  left: hasLeft(row),
});

/** Its last word was that it leaves. A newer start of the agent has a higher number, so that word does not speak of it. */
export const hasLeft = ({ last_heartbeat: last, instance }: Pick<AgentRow, 'last_heartbeat' | 'instance'>): boolean =>
  last?.leaving === true && (last.instance ?? instance) === instance;

/** What an agent may do; what is not written is allowed, an empty list allows nothing. */
export const permissionsOf = (row: Pick<AgentRow, 'permissions'>): AgentPermissions => ({
  can_execute_terraform: true,
  can_access_secrets: true,
  allowed_workspaces: null,
  allowed_providers: null,
  ...row.permissions,
});

/** An administrator wants it, or the agent says so itself: it was told on its host. */
const isDraining = (row: Pick<AgentRow, 'draining' | 'last_heartbeat'>): boolean =>
  row.draining || row.last_heartbeat?.draining === true;

/** Labels given by an administrator and those the agent reports of itself. */
export const labelsOf = (row: Pick<AgentRow, 'labels' | 'reported_labels'>): string[] => [
  ...new Set([...row.labels, ...row.reported_labels]),
];

/** How many attempts an agent runs together when neither it nor anybody else has said. */
const DEFAULT_SLOTS = 3;

/** The smaller of what the agent says of itself and what an administrator allows it. */
export const effectiveLimit = (row: Pick<AgentRow, 'limits' | 'max_concurrent_tasks'>): number =>
  Math.min(row.limits.max_concurrent_jobs ?? DEFAULT_SLOTS, row.max_concurrent_tasks ?? Number.POSITIVE_INFINITY);

/** @param suspectFrom see {@link statusOf} */
export function presentAgent(row: AgentRow, suspectFrom: number): Agent {
  const now = row.now.getTime();
  const live = livenessOf(row);
  return {
    id: row.id,
    agent_id: row.agent_id,
    name: row.name,
    description: row.description,
    agent_type: row.agent_type,
    pool_id: row.pool_id,
    status: statusOf(live, now, suspectFrom),
    labels: labelsOf(row),
    capabilities: Capabilities.parse(row.capabilities),
    permissions: permissionsOf(row),
    limits: { max_concurrent_jobs: effectiveLimit(row) },
    max_concurrent_tasks: row.max_concurrent_tasks,
    endpoint: row.endpoint,
    version: row.version,
    token_expires_at: iso(row.token_expires_at),
    last_heartbeat_at: iso(row.last_heartbeat_at),
    last_heartbeat: row.last_heartbeat as Heartbeat | null,
    connected: isConnected(live, now),
    draining: isDraining(row),
    running_attempts: row.running_attempts,
    total_tasks: row.total_tasks,
    success_tasks: row.success_tasks,
    failed_tasks: row.failed_tasks,
    metadata: row.metadata,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    deleted_at: iso(row.deleted_at),
  };
}
