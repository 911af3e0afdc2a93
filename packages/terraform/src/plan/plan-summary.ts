import type { PlanJson, PlannedResource } from './plan-json.ts';

/** What a plan comes to. `add`, `change`, `destroy` and `import` are the numbers of Terraform's own "Plan:" line. */
export interface PlanSummary {
  /** Created, replacements included. */
  add: number;
  change: number;
  /** Destroyed, replacements included. */
  destroy: number;
  /** Of those added, the ones that take the place of another. */
  replace: number;
  import: number;
  /** Dropped from the state without being destroyed. */
  forget: number;
  /** Only or also moved to another address. */
  move: number;
  /** Read during the apply. */
  read: number;
  outputsChanged: number;
  /** False when applying the plan would change nothing, not even the state. */
  applyable: boolean;
  /** Terraform hit an error while planning; such a plan cannot be applied. */
  errored: boolean;
}

/** Counts as Terraform does for its "Plan:" line; destroying a data source is no change. */
export function summarisePlan(plan: PlanJson): PlanSummary {
  const counts = { add: 0, change: 0, destroy: 0, replace: 0, import: 0, forget: 0, move: 0, read: 0 };
  for (const resource of plan.resource_changes ?? []) {
    const { actions, importing } = resource.change;
    if (!isShownChange(resource)) continue;
    if (actions.includes('create')) counts.add += 1;
    if (actions.includes('update')) counts.change += 1;
    if (actions.includes('delete')) counts.destroy += 1;
    if (actions.includes('forget')) counts.forget += 1;
    if (actions.includes('read')) counts.read += 1;
    if (actions.length > 1) counts.replace += 1;
    if (importing) counts.import += 1;
    if (isMoved(resource)) counts.move += 1;
  }
  const outputsChanged = Object.values(plan.output_changes ?? {}).filter(({ actions }) => !isNoOp(actions)).length;
  return { ...counts, outputsChanged, applyable: plan.applyable ?? isApplyable(plan), errored: plan.errored ?? false };
}

/** False for what Terraform leaves out of its own listing: resources that stay as they are, and data sources that go. */
export function isShownChange(resource: PlannedResource): boolean {
  const { actions, importing } = resource.change;
  if (isNoOp(actions)) return isMoved(resource) || Boolean(importing);
  return !(actions.length === 1 && actions[0] === 'delete' && resource.mode !== 'managed');
}

const isNoOp = (actions: readonly string[]): boolean => actions.every((action) => action === 'no-op');
const isMoved = ({ address, previous_address }: PlannedResource): boolean =>
  previous_address !== undefined && previous_address !== address;

// Versions before format 1.2 do not say it. Drift may be all that a refresh-only plan has to write.
function isApplyable(plan: PlanJson): boolean {
  if (plan.errored) return false;
  const drifted = (plan.resource_drift ?? []).length > 0;
  const outputs = Object.values(plan.output_changes ?? {}).some(({ actions }) => !isNoOp(actions));
  return (
    drifted ||
    outputs ||
    (plan.resource_changes ?? []).some((resource) => isShownChange(resource) || !isNoOp(resource.change.actions))
  );
}
