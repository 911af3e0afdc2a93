import { VariableCreate, type VariableUpdate } from '@groundcrew/protocol';
import { findReservation } from '@groundcrew/terraform';
import { AppError, invalidRequest } from '../../platform/http/index.ts';

export interface VariableRow {
  id: string;
  organization_id: string;
  workspace_id: string;
  key: string;
  category: 'terraform' | 'env';
  hcl: boolean;
  sensitive: boolean;
  description: string;
  /** Exactly one of the two is set. */
  value: string | null;
  value_sealed: Buffer | null;
  created_at: Date;
  updated_at: Date;
}

/** A variable as an update leaves it; `value` undefined for a sealed one that keeps its value. */
export interface ChangedVariable {
  key: string;
  hcl: boolean;
  sensitive: boolean;
  description: string;
  value: string | undefined;
}

/**
 * Refuses an environment variable whose name the runner keeps for itself, when it is set instead of when a task runs.
 * @throws AppError `invalid_request` with what to do instead
 */
export function refuseReserved({ key, category }: Pick<VariableRow, 'key' | 'category'>): void {
  const way = category === 'env' ? findReservation(key) : undefined;
  if (way === undefined) return;
  const message = `the environment variable ${key} is set by Groundcrew itself: ${way}`;
  throw invalidRequest([{ path: 'key', message }]);
}

/**
 * What an update makes of a variable. Checked as a whole, since a change can be wrong only together with what stays. Turning
 * `sensitive` off would show a secret to everybody who may read variables, so it never goes off.
 */
export function applyUpdate(row: VariableRow, changes: VariableUpdate): ChangedVariable {
  if (row.sensitive && changes.sensitive === false)
    throw new AppError(
      'conflict',
      `Variable ${row.key} is sensitive and stays so; delete it and make a new one with a new value.`,
    );
  const value = changes.value ?? row.value ?? undefined;
  const next = {
    key: changes.key ?? row.key,
    hcl: changes.hcl ?? row.hcl,
    sensitive: changes.sensitive ?? row.sensitive,
    description: changes.description ?? row.description,
  };
  if (next.key !== row.key) refuseReserved({ ...next, category: row.category });
  const checked = VariableCreate.safeParse({ ...next, category: row.category, value: value ?? '' });
  if (!checked.success)
    throw invalidRequest(checked.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })));
  return { ...next, value };
}
