import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { parseExactJson } from '../json/exact-json.ts';
import { type JsonRange, listJsonMembers } from '../json/json-bytes.ts';
import { type InstanceBytes, listInstances } from './state-resources.ts';

/** An object that one of two states records, by names alone: no value of a state is ever told. */
export interface ComparedResource {
  address: string;
  /** The provider's own id of it; null when it has none, or it is sensitive. */
  id: string | null;
  /** Set for an object that waits to be destroyed after its replacement was made. */
  deposed: string | null;
}

/** What differs between two states. */
export interface StateDifference {
  /** Only in the second one. */
  added: ComparedResource[];
  /** Only in the first one. */
  removed: ComparedResource[];
  /** In both, with the attributes that are not the same; `status` when one is tainted and the other is not. */
  changed: (ComparedResource & { attributes: string[] })[];
  unchanged: number;
  /** Names of outputs. */
  outputs: { added: string[]; removed: string[]; changed: string[] };
}

/** How long the comparison goes on before others have their turn. */
const BREATH_MS = 10;
const EMPTY: StateBytes = Buffer.from('{}');
type StateBytes = Uint8Array;

/**
 * What the second state holds that the first does not, and the other way round. Both are looked into as bytes, so that memory
 * stays near their size; a comparison of large ones lets other work go on in between.
 * @throws JsonSyntaxError or SyntaxError when one of them is not JSON.
 */
export async function compareStates(before: StateBytes | undefined, after: StateBytes): Promise<StateDifference> {
  const first = before ?? EMPTY;
  const breathe = createBreath();
  const known = await indexInstances(first, breathe);
  const difference: StateDifference = {
    added: [],
    removed: [],
    changed: [],
    unchanged: 0,
    outputs: compareOutputs(first, after),
  };
  for (const instance of listInstances(after)) {
    const key = keyOf(after, instance);
    const other = known.get(key);
    known.delete(key);
    if (other === undefined) difference.added.push(describe(after, instance));
    else addCompared(difference, after, instance, listDifferences(first, other, after, instance));
    await breathe();
  }
  difference.removed = [...known.values()].map((instance) => describe(first, instance));
  return difference;
}

function createBreath(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < BREATH_MS) return;
    await setImmediate();
    since = performance.now();
  };
}

async function indexInstances(bytes: StateBytes, breathe: () => Promise<void>): Promise<Map<string, InstanceBytes>> {
  const found = new Map<string, InstanceBytes>();
  for (const instance of listInstances(bytes)) {
    found.set(keyOf(bytes, instance), instance);
    await breathe();
  }
  return found;
}

const keyOf = (bytes: StateBytes, { address, members }: InstanceBytes): string =>
  `${address} ${textOf(bytes, members.get('deposed')) ?? ''}`;

function addCompared(to: StateDifference, bytes: StateBytes, instance: InstanceBytes, attributes: string[]): void {
  if (attributes.length === 0) to.unchanged += 1;
  else to.changed.push({ ...describe(bytes, instance), attributes });
}

function describe(bytes: StateBytes, { address, members }: InstanceBytes): ComparedResource {
  const deposed = textOf(bytes, members.get('deposed')) ?? null;
  return {
    address,
    id: isIdSensitive(bytes, members.get('sensitive_attributes')) ? null : findId(bytes, members),
    deposed,
  };
}

function findId(bytes: StateBytes, members: InstanceBytes['members']): string | null {
  const attributes = members.get('attributes');
  if (attributes === undefined || bytes[attributes.start] !== 0x7b) return null;
  const id = [...listJsonMembers(bytes, attributes.start)].find(({ key }) => key === 'id');
  return textOf(bytes, id) ?? null;
}

/** Each path is a list of steps, the first of which names the attribute. */
function isIdSensitive(bytes: StateBytes, paths: JsonRange | undefined): boolean {
  if (paths === undefined || paths.end - paths.start <= 2) return false;
  const parsed = parse(bytes, paths) as { value?: unknown }[][] | null;
  return (parsed ?? []).some(([step]) => step === undefined || step.value === 'id');
}

/** Names of the attributes that differ. */
function listDifferences(first: StateBytes, a: InstanceBytes, second: StateBytes, b: InstanceBytes): string[] {
  const [one, two] = [a.members.get('attributes'), b.members.get('attributes')];
  const status = textOf(first, a.members.get('status')) === textOf(second, b.members.get('status')) ? [] : ['status'];
  if (one === undefined || two === undefined || sameBytes(first, one, second, two)) return status;
  return [...listUnequalKeys(toObject(first, one), toObject(second, two)), ...status];
}

const sameBytes = (first: StateBytes, a: JsonRange, second: StateBytes, b: JsonRange): boolean =>
  Buffer.compare(first.subarray(a.start, a.end), second.subarray(b.start, b.end)) === 0;

function compareOutputs(first: StateBytes, second: StateBytes): StateDifference['outputs'] {
  const [before, after] = [outputsOf(first), outputsOf(second)];
  const [had, has] = [Object.keys(before), Object.keys(after)];
  return {
    added: has.filter((name) => !Object.hasOwn(before, name)),
    removed: had.filter((name) => !Object.hasOwn(after, name)),
    changed: listUnequalKeys(before, after).filter((name) => Object.hasOwn(before, name) && Object.hasOwn(after, name)),
  };
}

function outputsOf(bytes: StateBytes): Record<string, unknown> {
  const member = [...listJsonMembers(bytes)].find(({ key }) => key === 'outputs');
  return member === undefined ? {} : toObject(bytes, member);
}

const listUnequalKeys = (a: Record<string, unknown>, b: Record<string, unknown>): string[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !isDeepStrictEqual(a[key], b[key])).sort();

function toObject(bytes: StateBytes, range: JsonRange): Record<string, unknown> {
  const value = parse(bytes, range);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textOf(bytes: StateBytes, range: JsonRange | undefined): string | undefined {
  const value = range && parse(bytes, range);
  return typeof value === 'string' ? value : undefined;
}

const parse = (bytes: StateBytes, { start, end }: JsonRange): unknown =>
  parseExactJson(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'));
