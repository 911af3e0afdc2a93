import { isMarked } from '../json/mirror.ts';
import type { Change, PlanJson, PlannedResource } from './plan-json.ts';
import { collectPlanSecrets } from './plan-secrets.ts';
import { isShownChange } from './plan-summary.ts';
import { OMITTED, redact } from './redact.ts';

/** One resource of a plan, safe to show; markers as `redact` describes them. Fields are named as Terraform names them. */
export interface ResourceChange {
  address: string;
  previous_address: string | null;
  module_address: string | null;
  mode: string;
  type: string;
  name: string;
  index: string | number | null;
  provider: string;
  actions: string[];
  reason: string | null;
  importing: boolean;
  before: unknown;
  after: unknown;
  /** The shape of `after` with `true` where a value will be known after apply; `false` when all are known. */
  after_unknown: unknown;
}

export interface OutputChange {
  name: string;
  actions: string[];
  sensitive: boolean;
  before: unknown;
  after: unknown;
  after_unknown: unknown;
}

export interface PlanDetails {
  resource_changes: ResourceChange[];
  output_changes: OutputChange[];
  /** Values, or even whole entries, were left out to stay within the limits. */
  truncated: boolean;
}

export interface DetailLimits {
  /** Bytes of all values as JSON, about. Default 8 MiB. */
  maxBytes?: number;
  /** Resources and outputs each. Default 20,000. */
  maxEntries?: number;
  /** Tells whether a text holds a secret that the plan itself does not mark, such as one that a provider copied. */
  isSecret?: (text: string) => boolean;
}

/** The changes of a plan as structure, without secrets and bounded. Resources that stay as they are do not appear. */
export function describePlan(
  plan: PlanJson,
  { maxBytes = 8 << 20, maxEntries = 20_000, isSecret }: DetailLimits = {},
): PlanDetails {
  const secrets = new Set(
    collectPlanSecrets(plan)
      .map(({ value }) => value)
      .filter((value) => value.length >= 6),
  );
  const context: Redaction = {
    isSecret: (text) => secrets.has(text) || (isSecret?.(text) ?? false),
    left: maxBytes,
    truncated: false,
  };
  const resources = (plan.resource_changes ?? []).filter(isShownChange);
  const outputs = Object.entries(plan.output_changes ?? {}).filter(([, { actions }]) =>
    actions.some((action) => action !== 'no-op'),
  );
  if (resources.length > maxEntries || outputs.length > maxEntries) context.truncated = true;
  const output_changes = outputs.slice(0, maxEntries).map(([name, change]) => describeOutput(name, change, context));
  const resource_changes = resources.slice(0, maxEntries).map((resource) => describeResource(resource, context));
  return { resource_changes, output_changes, truncated: context.truncated };
}

interface Redaction {
  isSecret: (text: string) => boolean;
  /** Bytes that may still be spent on values. */
  left: number;
  truncated: boolean;
}

function describeResource(resource: PlannedResource, context: Redaction): ResourceChange {
  return {
    address: resource.address,
    previous_address: resource.previous_address ?? null,
    module_address: resource.module_address ?? null,
    mode: resource.mode,
    type: resource.type,
    name: resource.name,
    index: resource.index ?? null,
    provider: resource.provider_name,
    actions: resource.change.actions,
    reason: resource.action_reason ?? null,
    importing: Boolean(resource.change.importing),
    ...describeValues(resource.change, context),
  };
}

function describeOutput(name: string, change: Change, context: Redaction): OutputChange {
  const sensitive = isMarked(change.before_sensitive) || isMarked(change.after_sensitive);
  return { name, actions: change.actions, sensitive, ...describeValues(change, context) };
}

function describeValues(
  change: Change,
  context: Redaction,
): { before: unknown; after: unknown; after_unknown: unknown } {
  const values = {
    before: redactWhole(change.before, change.before_sensitive, context),
    after: redactWhole(change.after, change.after_sensitive, context),
    after_unknown: isMarked(change.after_unknown) ? change.after_unknown : false,
  };
  const size = JSON.stringify(values).length;
  if (size <= context.left) {
    context.left -= size;
    return values;
  }
  context.truncated = true;
  return { before: OMITTED, after: OMITTED, after_unknown: false };
}

// That something does not exist before or after is no secret, even where its value would be one.
const redactWhole = (value: unknown, sensitive: unknown, { isSecret }: Redaction): unknown =>
  value === null || value === undefined ? null : redact(value, sensitive, isSecret);
