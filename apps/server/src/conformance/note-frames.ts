import * as protocol from '@groundcrew/protocol';
import * as z from 'zod';
import type { MessageText } from './contract-file.ts';
import { type JsonSchema, noteFields, noteType } from './schema-notation.ts';

/** What goes over each WebSocket, and which way: what clients send may leave out what has a default. */
const FRAMES = {
  ServerFrame: { schema: protocol.ServerFrame, io: 'output' },
  AgentFrame: { schema: protocol.AgentFrame, io: 'input' },
  ViewerFrame: { schema: protocol.ViewerFrame, io: 'output' },
  EventFrame: { schema: protocol.EventFrame, io: 'output' },
} as const;

/** The frames of the WebSockets and the messages that only they hold, as docs/contract.md writes them. */
export function noteFrames(known: ReadonlySet<string>): MessageText[] {
  const noted = new Map<string, MessageText>();
  for (const [name, { io }] of Object.entries(FRAMES)) {
    const schemas = describeSchemas(io);
    const waiting = [name];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const schema = schemas[next] as JsonSchema;
      if (noted.has(next) || (known.has(next) && next !== name)) continue;
      noted.set(next, noteMessage(next, schema, io, known));
      waiting.push(...referencesOf(schema));
    }
  }
  return [...noted.values()];
}

function describeSchemas(io: 'input' | 'output'): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [name, { schema }] of Object.entries(FRAMES)) registry.add(schema, { id: name });
  for (const [name, value] of Object.entries(protocol))
    if ((value instanceof z.ZodObject || value instanceof z.ZodEnum) && !registry.has(value))
      registry.add(value, { id: name });
  const { schemas } = z.toJSONSchema(registry, { io, uri: (id) => id, unrepresentable: 'any' });
  return schemas as Record<string, JsonSchema>;
}

const referencesOf = (schema: JsonSchema): string[] =>
  [...JSON.stringify(schema).matchAll(/"\$ref":"(\w+)"/g)].map(([, name]) => name as string);

function noteMessage(name: string, schema: JsonSchema, io: string, known: ReadonlySet<string>): MessageText {
  // What may be left out by a sender has a name of its own where that makes a difference.
  const rename = (text: string): string =>
    io === 'output'
      ? text
      : text.replace(/\b[A-Z]\w*\b/g, (word) => (known.has(`${word}Input`) ? `${word}Input` : word));
  const isObject = schema.type === 'object' && schema.properties !== undefined;
  const fields = isObject ? noteFields(withoutClosing(schema)) : [noteType(withoutClosing(schema))];
  return { name, fields: fields.map(rename), isAlias: !isObject };
}

/** Readers ignore fields they do not know, so that an object is closed says nothing. */
const withoutClosing = (schema: JsonSchema): JsonSchema =>
  JSON.parse(JSON.stringify(schema), (key, value) =>
    key === 'additionalProperties' && value === false ? undefined : value,
  ) as JsonSchema;
