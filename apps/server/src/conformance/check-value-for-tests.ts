import type { MessageText } from './contract-file.ts';
import { type FieldNode, parseType, type TypeNode } from './type-notation-for-tests.ts';

/** What the contract says of a name: the type that it stands for. */
export type FindMessage = (name: string) => TypeNode | undefined;

/** The type that a message's name stands for. */
export function typeOf({ fields, isAlias }: MessageText): TypeNode {
  if (isAlias) return parseType(fields[0] ?? '');
  const object = parseType(`{ ${fields.join(', ')} }`);
  return { kind: 'object', fields: object.kind === 'object' ? object.fields : ([] as FieldNode[]) };
}

const CHECKS: Record<Extract<TypeNode, { kind: 'plain' }>['name'], (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isSafeInteger(value),
  flag: (value) => typeof value === 'boolean',
  time: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value),
  checksum: (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
  base64: (value) => typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value,
  any: () => true,
  null: (value) => value === null,
};

/**
 * Where a value is not what the contract says, as sentences; nothing when it is. Every field that the contract names has to be
 * there, and one that it does not name is a mistake too: what is not documented may be something that must not leave the server.
 */
export function findValueMistakes(value: unknown, type: TypeNode, find: FindMessage, path = 'the answer'): string[] {
  const wrong = (what: string): string[] => [`${path} is ${show(value)} in place of ${what}.`];
  switch (type.kind) {
    case 'plain':
      return CHECKS[type.name](value) ? [] : wrong(`a ${type.name}`);
    case 'id':
      return isId(value, type.prefix) ? [] : wrong(`an id like ${type.prefix}-…`);
    case 'value':
      return value === type.value ? [] : wrong(JSON.stringify(type.value));
    case 'list':
    case 'map':
      return findItemMistakes(value, type, find, path);
    case 'page':
      return findFieldMistakes(value, pageFields(type.of), find, path);
    case 'object':
      return findFieldMistakes(value, type.fields, find, path);
    case 'message':
      return findMessageMistakes(value, type.name, find, path);
    case 'either':
      return findClosestMistakes(type.options.map((option) => findValueMistakes(value, option, find, path)));
  }
}

function findItemMistakes(
  value: unknown,
  { kind, of }: Extract<TypeNode, { kind: 'list' | 'map' }>,
  find: FindMessage,
  path: string,
): string[] {
  const isRight = kind === 'list' ? Array.isArray(value) : isObject(value);
  if (!isRight) return [`${path} is ${show(value)} in place of a ${kind}.`];
  return Object.entries(value as object).flatMap(([key, item]) => findValueMistakes(item, of, find, `${path}.${key}`));
}

function findMessageMistakes(value: unknown, name: string, find: FindMessage, path: string): string[] {
  const message = find(name);
  if (message === undefined) return [`The message ${name} is not in the contract.`];
  return findValueMistakes(value, message, find, path);
}

/** Of several that could be meant, the one that was most likely meant says what is wrong: it came furthest. */
const findClosestMistakes = (all: readonly string[][]): string[] =>
  all.some((mistakes) => mistakes.length === 0) ? [] : (all.toSorted((a, b) => b.length - a.length)[0] ?? []);

const pageFields = (of: TypeNode): FieldNode[] => [
  { name: 'items', optional: false, type: { kind: 'list', of } },
  {
    name: 'next_cursor',
    optional: false,
    type: {
      kind: 'either',
      options: [
        { kind: 'plain', name: 'text' },
        { kind: 'plain', name: 'null' },
      ],
    },
  },
];

function findFieldMistakes(value: unknown, fields: readonly FieldNode[], find: FindMessage, path: string): string[] {
  if (!isObject(value)) return [`${path} is ${show(value)} in place of an object.`];
  const known = new Set(fields.map(({ name }) => name));
  const extra = known.has('*') ? [] : Object.keys(value).filter((name) => !known.has(name));
  return [
    ...extra.map((name) => `${path} has the field ${name}, which the contract does not name.`),
    ...fields.flatMap(({ name, optional, type }) => {
      if (name === '*') return [];
      if (name in value) return findValueMistakes(value[name], type, find, `${path}.${name}`);
      return optional ? [] : [`${path} has no ${name}.`];
    }),
  ];
}

const isId = (value: unknown, prefix: string): boolean =>
  typeof value === 'string' &&
  value.startsWith(`${prefix}-`) &&
  /^[a-z0-9]{8,40}$/.test(value.slice(prefix.length + 1));
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const show = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 120);
