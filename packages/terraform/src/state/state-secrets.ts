import { parseExactJson } from '../json/exact-json.ts';
import { type JsonRange, listJsonMembers } from '../json/json-bytes.ts';
import { createSensitiveCollector, type SensitiveCollector, type SensitiveValue } from '../sensitive-values.ts';
import { type InstanceBytes, listInstances } from './state-resources.ts';

/**
 * All texts of a state that are marked sensitive: outputs, and attributes that `sensitive_attributes` points at.
 * @throws JsonSyntaxError or SyntaxError when the bytes are not JSON.
 */
export function collectStateSecrets(bytes: Uint8Array): SensitiveValue[] {
  const collector = createSensitiveCollector();
  for (const { key, start, end } of listJsonMembers(bytes))
    if (key === 'outputs') addOutputs(collector, parse(bytes, { start, end }));
  for (const instance of listInstances(bytes)) addInstance(collector, bytes, instance);
  return collector.list();
}

function addOutputs(collector: SensitiveCollector, outputs: unknown): void {
  for (const [name, output] of Object.entries(
    (outputs ?? {}) as Record<string, { value?: unknown; sensitive?: boolean }>,
  )) {
    collector.add(output.value, output.sensitive, `output "${name}"`);
  }
}

function addInstance(collector: SensitiveCollector, bytes: Uint8Array, { address, members }: InstanceBytes): void {
  const paths = members.get('sensitive_attributes');
  const attributes = members.get('attributes');
  // Most have none: an empty list is not worth parsing the attributes.
  if (!paths || !attributes || paths.end - paths.start <= 2) return;
  const value = parse(bytes, attributes);
  for (const path of (parse(bytes, paths) as Step[][] | null) ?? []) collector.add(follow(value, path), true, address);
}

/** One step of a path: an attribute's name, or an index with its type. */
interface Step {
  type: string;
  value: unknown;
}

function follow(value: unknown, path: readonly Step[]): unknown {
  const [step, ...rest] = path;
  const here = unwrap(value);
  if (!step) return here;
  const key =
    typeof step.value === 'object' && step.value !== null ? (step.value as { value?: unknown }).value : step.value;
  if (typeof here !== 'object' || here === null || (typeof key !== 'string' && typeof key !== 'number'))
    return undefined;
  return follow((here as Record<string | number, unknown>)[key], rest);
}

const SIMPLE_TYPES = ['string', 'number', 'bool', 'dynamic'];
const COMPOUND_TYPES = ['list', 'map', 'set', 'object', 'tuple'];

/** An attribute of any type is kept as `{"value": …, "type": …}`; the names of types are no secret. */
function unwrap(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== 'type,value') return value;
  const { value: inner, type } = value as { value: unknown; type: unknown };
  const isType = Array.isArray(type) ? COMPOUND_TYPES.includes(type[0]) : SIMPLE_TYPES.includes(type as string);
  return isType ? inner : value;
}

const parse = (bytes: Uint8Array, { start, end }: JsonRange): unknown =>
  parseExactJson(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'));
