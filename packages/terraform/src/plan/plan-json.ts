import { parseExactJson } from '../json/exact-json.ts';

/** A value beside a map of the same shape that says which parts of it are sensitive. */
export interface Change {
  actions: string[];
  before?: unknown;
  after?: unknown;
  after_unknown?: unknown;
  before_sensitive?: unknown;
  after_sensitive?: unknown;
  importing?: object | null;
}
export interface PlannedResource {
  address: string;
  previous_address?: string;
  module_address?: string;
  mode: string;
  type: string;
  name: string;
  index?: string | number;
  provider_name: string;
  action_reason?: string;
  change: Change;
}
interface OutputValue {
  sensitive?: boolean;
  value?: unknown;
}
export interface ModuleValues {
  resources?: { address?: string; values?: unknown; sensitive_values?: unknown }[];
  child_modules?: ModuleValues[];
}
export interface StateValues {
  outputs?: Record<string, OutputValue>;
  root_module?: ModuleValues;
}
export interface ModuleConfiguration {
  variables?: Record<string, { sensitive?: boolean; default?: unknown }>;
  module_calls?: Record<
    string,
    { expressions?: Record<string, { constant_value?: unknown }>; module?: ModuleConfiguration }
  >;
}

/** The parts of `show -json <plan>`, format 1.x, that this package reads. Secrets stand in it in clear. */
export interface PlanJson {
  format_version: string;
  terraform_version?: string;
  /** Since format 1.2. */
  applyable?: boolean;
  errored?: boolean;
  variables?: Record<string, { value?: unknown }>;
  planned_values?: StateValues;
  prior_state?: { values?: StateValues };
  resource_changes?: PlannedResource[];
  resource_drift?: PlannedResource[];
  deferred_changes?: { resource_change?: PlannedResource }[];
  output_changes?: Record<string, Change>;
  configuration?: { root_module?: ModuleConfiguration };
}

/** A plan larger than this is not read at all; 5,000 simple resources give about 6 MB. */
const MAX_BYTES = 256 << 20;

/**
 * Reads what `show -json` printed of a plan. Numbers keep all their digits.
 * @throws Error when it is no plan, too large, or of a format this package does not know.
 */
export function parsePlan(output: Uint8Array): PlanJson {
  if (output.length > MAX_BYTES) {
    throw new Error(
      `The plan has ${output.length} bytes as JSON, more than the ${MAX_BYTES} that are read; split the configuration into several workspaces.`,
    );
  }
  const plan = parseText(Buffer.from(output.buffer, output.byteOffset, output.length).toString('utf8'));
  const version = isRecord(plan) ? plan.format_version : undefined;
  if (typeof version !== 'string')
    throw new Error('What "show -json" printed is not a plan; the plan file is probably damaged.');
  if (!/^1\.\d+$/.test(version)) {
    throw new Error(
      `The plan has the JSON format ${version}, but only 1.x is understood; use an older version of Terraform, or a newer one of Groundcrew.`,
    );
  }
  return plan as unknown as PlanJson;
}

function parseText(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    // The parser's own message quotes the text, and secrets stand in it.
    throw new Error('What "show -json" printed is not JSON; the plan file is probably damaged.');
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
