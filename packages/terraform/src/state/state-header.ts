import { parseExactJson } from '../json/exact-json.ts';
import { type JsonMember, listJsonElements, listJsonMembers } from '../json/json-bytes.ts';

/** An output of a state. The value of a sensitive one is null, of one too large to carry around `{"$omitted": true}`. */
export interface StateOutput {
  value: unknown;
  /** Terraform's type, such as `"string"` or `["list", "number"]`; null when unknown. */
  type: unknown;
  sensitive: boolean;
}

/** What a state says of itself. */
export interface StateHeader {
  /** Format of the file; Terraform writes 4. */
  version: number;
  serial: number;
  lineage: string;
  terraformVersion: string | null;
  /** Managed resource instances. */
  resourceCount: number;
  outputs: Record<string, StateOutput>;
  /** OpenTofu's own encryption hides everything but serial and lineage. */
  encrypted: boolean;
}

/** Values of outputs beyond this are left out of a header. */
const MAX_OUTPUT_BYTES = 1 << 20;

/**
 * Reads the header of a state in one pass, without building the state in memory: 64 MB take a fraction of a second.
 * @throws Error when the bytes are no state; the message quotes none of them.
 */
export function parseStateHeader(bytes: Uint8Array): StateHeader {
  const members = readMembers(bytes);
  const serial = scalar(bytes, members.get('serial'));
  const lineage = scalar(bytes, members.get('lineage'));
  const encrypted = members.has('encrypted_data');
  const version = scalar(bytes, members.get('version')) ?? (encrypted ? 4 : undefined);
  if (typeof serial !== 'number' || typeof lineage !== 'string' || typeof version !== 'number')
    throw noState('it lacks version, serial or lineage');
  const terraformVersion = scalar(bytes, members.get('terraform_version'));
  return {
    version,
    serial,
    lineage,
    terraformVersion: typeof terraformVersion === 'string' ? terraformVersion : null,
    resourceCount: countInstances(bytes, members.get('resources')),
    outputs: readOutputs(bytes, members.get('outputs')),
    encrypted,
  };
}

function readMembers(bytes: Uint8Array): Map<string, JsonMember> {
  try {
    return new Map([...listJsonMembers(bytes)].map((member) => [member.key, member]));
  } catch {
    throw noState('it is not JSON');
  }
}

function scalar(bytes: Uint8Array, member: JsonMember | undefined): unknown {
  // Longer than any version, serial or lineage: not worth parsing.
  if (!member || member.end - member.start > 1024) return undefined;
  return parseText(bytes, member);
}

function parseText(bytes: Uint8Array, { start, end }: { start: number; end: number }): unknown {
  try {
    return parseExactJson(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'));
  } catch {
    throw noState('it is not JSON');
  }
}

function countInstances(bytes: Uint8Array, resources: JsonMember | undefined): number {
  let count = 0;
  for (const resource of elements(bytes, resources)) {
    const members = [...listJsonMembers(bytes, resource.start)];
    const mode = members.find(({ key }) => key === 'mode');
    if (mode && scalar(bytes, mode) !== 'managed') continue;
    for (const _instance of elements(
      bytes,
      members.find(({ key }) => key === 'instances'),
    ))
      count += 1;
  }
  return count;
}

function elements(bytes: Uint8Array, member: JsonMember | undefined): Iterable<{ start: number; end: number }> {
  // `null` stands for no list.
  return member && bytes[member.start] === 0x5b ? listJsonElements(bytes, member.start) : [];
}

function readOutputs(bytes: Uint8Array, member: JsonMember | undefined): Record<string, StateOutput> {
  if (!member || bytes[member.start] !== 0x7b) return {};
  let left = MAX_OUTPUT_BYTES;
  const outputs: [string, StateOutput][] = [];
  for (const { key, start, end } of listJsonMembers(bytes, member.start)) {
    const fields = new Map([...listJsonMembers(bytes, start)].map((field) => [field.key, field]));
    const type = scalar(bytes, fields.get('type')) ?? null;
    const sensitive = scalar(bytes, fields.get('sensitive')) === true;
    const fits = end - start <= left;
    if (!sensitive && fits) left -= end - start;
    const field = fields.get('value');
    const value = sensitive || !field ? null : fits ? parseText(bytes, field) : { $omitted: true };
    outputs.push([key, { value, type, sensitive }]);
  }
  return Object.fromEntries(outputs);
}

const noState = (why: string): Error =>
  new Error(`This is no Terraform state: ${why}. Give the file as Terraform wrote it.`);
