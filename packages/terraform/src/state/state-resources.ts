import {
  type JsonMember,
  type JsonRange,
  listJsonElements,
  listJsonMembers,
  parseJsonRange,
} from '../json/json-bytes.ts';
import { formatAddress } from './resource-address.ts';

/** One object that a state records. */
export interface StateResource {
  address: string;
  mode: string;
  type: string;
  name: string;
  /** The provider's own id of it, where it has one. */
  id: string | null;
  tainted: boolean;
  /** Set for an object that waits to be destroyed after its replacement was made. */
  deposed: string | null;
}

/** A resource instance in the bytes of a state, not parsed yet. */
export interface InstanceBytes {
  address: string;
  mode: string;
  type: string;
  name: string;
  /** Members of the instance by name: `attributes`, `status`, `sensitive_attributes`, … */
  members: ReadonlyMap<string, JsonMember>;
}

/**
 * Every object in a state, in order, one at a time in memory.
 * @throws JsonSyntaxError or SyntaxError when the bytes are not JSON.
 */
export function* listStateResources(bytes: Uint8Array): Generator<StateResource> {
  for (const { members, ...resource } of listInstances(bytes)) {
    yield {
      ...resource,
      id: findId(bytes, members.get('attributes')),
      tainted: textOf(bytes, members.get('status')) === 'tainted',
      deposed: textOf(bytes, members.get('deposed')) ?? null,
    };
  }
}

/** Every resource instance of a state with its members still as bytes. */
export function* listInstances(bytes: Uint8Array): Generator<InstanceBytes> {
  const resources = members(bytes, 0).get('resources');
  for (const range of elements(bytes, resources)) {
    const fields = members(bytes, range.start);
    const module = textOf(bytes, fields.get('module'));
    const [mode = '', type = '', name = ''] = ['mode', 'type', 'name'].map((key) => textOf(bytes, fields.get(key)));
    for (const instance of elements(bytes, fields.get('instances'))) {
      const instanceMembers = members(bytes, instance.start);
      const key = instanceMembers.get('index_key');
      const index = key && (parseJsonRange(bytes, key) as string | number);
      yield { address: formatAddress({ module, mode, type, name, index }), mode, type, name, members: instanceMembers };
    }
  }
}

const members = (bytes: Uint8Array, at: number): Map<string, JsonMember> =>
  new Map([...listJsonMembers(bytes, at)].map((member) => [member.key, member]));

const elements = (bytes: Uint8Array, list: JsonRange | undefined): Iterable<JsonRange> =>
  list && bytes[list.start] === 0x5b ? listJsonElements(bytes, list.start) : [];

function textOf(bytes: Uint8Array, member: JsonRange | undefined): string | undefined {
  const value = member && parseJsonRange(bytes, member);
  return typeof value === 'string' ? value : undefined;
}

function findId(bytes: Uint8Array, attributes: JsonRange | undefined): string | null {
  if (!attributes || bytes[attributes.start] !== 0x7b) return null;
  return textOf(bytes, members(bytes, attributes.start).get('id')) ?? null;
}
