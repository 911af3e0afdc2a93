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

type Count = Exclude<keyof PlanSummary, 'outputsChanged' | 'applyable' | 'errored'>;

const COUNTED: readonly (readonly [Count, (resource: PlannedResource) => unknown])[] = [
  ['add', ({ change }) => change.actions.includes('create')],
  ['change', ({ change }) => change.actions.includes('update')],
  ['destroy', ({ change }) => change.actions.includes('delete')],
  ['replace', ({ change }) => change.actions.length > 1],
  ['import', ({ change }) => change.importing],
  ['forget', ({ change }) => change.actions.includes('forget')],
  ['move', (resource) => isMoved(resource)],
  ['read', ({ change }) => change.actions.includes('read')],
];

/** Counts as Terraform does for its "Plan:" line; destroying a data source is no change. */
export function summarisePlan(plan: PlanJson): PlanSummary {
  const shown = (plan.resource_changes ?? []).filter(isShownChange);
  const counts = Object.fromEntries(COUNTED.map(([name, counts]) => [name, shown.filter(counts).length]));
  return {
    ...(counts as Record<Count, number>),
    outputsChanged: Object.values(plan.output_changes ?? {}).filter(({ actions }) => !isNoOp(actions)).length,
    applyable: plan.applyable ?? isApplyable(plan),
    errored: plan.errored ?? false,
  };
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
