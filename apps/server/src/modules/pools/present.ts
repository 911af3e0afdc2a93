import type { Pool, PoolToken } from '@groundcrew/protocol';
import type { PoolRow } from './store.ts';
import type { PoolTokenRow } from './token-store.ts';

export const presentPool = (row: PoolRow): Pool =>
  ({
    id: row.id,
    name: row.name,
    description: row.description,
    pool_type: row.pool_type,
    selection_strategy: row.selection_strategy,
    required_labels: row.required_labels,
    labels: row.labels,
    max_plan_concurrency: row.max_plan_concurrency,
    allow_apply_concurrent: row.allow_apply_concurrent,
    max_concurrent_tasks: row.max_concurrent_tasks,
    built_in: row.built_in,
    agent_ids: row.agent_ids,
    metadata: row.metadata,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }) as Pool;

const iso = (date: Date | null): string | null => (date === null ? null : date.toISOString());

export const presentToken = (row: PoolTokenRow): PoolToken =>
  ({
    id: row.id,
    pool_id: row.pool_id,
    name: row.name,
    created_at: row.created_at.toISOString(),
    expires_at: iso(row.expires_at),
    last_used_at: iso(row.last_used_at),
    revoked_at: iso(row.revoked_at),
    rotated_from: row.rotated_from,
    agents: row.agents,
  }) as PoolToken;
