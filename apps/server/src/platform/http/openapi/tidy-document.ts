/** An OpenAPI document as plain data. */
export interface OpenApiDocument {
  openapi: string;
  paths: Record<string, unknown>;
  components: { schemas: Record<string, unknown>; [section: string]: unknown };
}

type Schemas = Record<string, unknown>;

const REFERENCE = /"#\/components\/schemas\/([^"]+)"/g;
const INPUT = /Input$/;

/**
 * Makes a generated document fit to be read: no component that nothing refers to, such as the frames of WebSockets; one
 * component where a message is the same both ways; and no word that a later version may not add a field, which it may.
 */
export function tidyDocument(document: OpenApiDocument): OpenApiDocument {
  const open = JSON.parse(JSON.stringify(document), withoutClosing) as OpenApiDocument;
  const used = pickUsed(open.paths, open.components.schemas);
  const renamed = renameInputs(JSON.stringify(open.paths), used);
  return {
    ...open,
    paths: JSON.parse(renamed.paths) as Schemas,
    components: { ...open.components, schemas: sortKeys(renamed.schemas) },
  };
}

/** Takes `additionalProperties: false` out wherever it stands. */
function withoutClosing(_key: string, value: unknown): unknown {
  if (
    typeof value !== 'object' ||
    value === null ||
    !('additionalProperties' in value) ||
    value.additionalProperties !== false
  )
    return value;
  const { additionalProperties, ...rest } = value;
  return rest;
}

function pickUsed(paths: unknown, all: Schemas): Schemas {
  const used: Schemas = {};
  const waiting = referencesOf(paths);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name in used) continue;
    used[name] = all[name];
    waiting.push(...referencesOf(all[name]));
  }
  return used;
}

const referencesOf = (part: unknown): string[] =>
  [...JSON.stringify(part).matchAll(REFERENCE)].map(([, name]) => name as string);

/** Calls `XInput` just `X` where there is no other `X`, or the two are alike; what contains it may be alike only after that. */
function renameInputs(paths: string, schemas: Schemas): { paths: string; schemas: Schemas } {
  const alike = Object.keys(schemas).filter((name) => {
    const plain = name.replace(INPUT, '');
    return plain !== name && (!(plain in schemas) || JSON.stringify(schemas[plain]) === JSON.stringify(schemas[name]));
  });
  if (alike.length === 0) return { paths, schemas };
  const rename = (name: string): string => (alike.includes(name) ? name.replace(INPUT, '') : name);
  const inText = (text: string): string =>
    text.replace(REFERENCE, (_all, name: string) => `"#/components/schemas/${rename(name)}"`);
  const renamed = Object.entries(schemas).map(([name, schema]) => [
    rename(name),
    JSON.parse(inText(JSON.stringify(schema))),
  ]);
  return renameInputs(inText(paths), Object.fromEntries(renamed));
}

const sortKeys = (schemas: Schemas): Schemas =>
  Object.fromEntries(Object.entries(schemas).toSorted(([a], [b]) => (a < b ? -1 : 1)));
