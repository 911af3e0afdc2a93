/** A JSON Schema as the OpenAPI document has it, as far as this looks at it. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly (string | number | boolean)[];
  readonly const?: string | number | boolean;
  readonly pattern?: string;
  readonly format?: string;
  readonly contentEncoding?: string;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

/** A schema in the notation of docs/contract.md. */
export function noteType(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return noteEither(options);
  if (typeof schema.type === 'object') return noteEither(schema.type.map((type) => ({ ...schema, type })));
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  switch (schema.type) {
    case 'string':
      return noteText(schema);
    case 'boolean':
      return 'flag';
    case 'number':
    case 'integer':
    case 'null':
      return schema.type as string;
    case 'array':
      return `${inBrackets(noteType(schema.items ?? {}))}[]`;
    case 'object':
      return noteObject(schema);
    default:
      return 'any';
  }
}

function noteEither(options: readonly JsonSchema[]): string {
  const types = [...new Set(options.map(noteType))];
  return types.includes('any') ? 'any' : types.join(' or ');
}

function noteText({ pattern = '', format, contentEncoding }: JsonSchema): string {
  const prefix = /^\^([a-z]+)-\[a-z0-9\]/.exec(pattern)?.[1];
  if (prefix !== undefined) return `${prefix}-…`;
  if (format === 'date-time') return 'time';
  if (format === 'base64' || contentEncoding === 'base64') return 'base64';
  return pattern === '^[0-9a-f]{64}$' ? 'checksum' : 'text';
}

function noteObject(schema: JsonSchema): string {
  if (schema.properties !== undefined) return `{ ${noteFields(schema).join(', ')} }`;
  const values = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {};
  return `map of ${inBrackets(noteType(values))}`;
}

/** The fields of an object, each as `name: type`, or `name?: type` when it may be absent; `*` when it may have others. */
export function noteFields({ properties = {}, required = [], additionalProperties }: JsonSchema): string[] {
  const fields = Object.entries(properties).map(
    ([name, schema]) => `${name}${required.includes(name) ? '' : '?'}: ${noteType(schema)}`,
  );
  return typeof additionalProperties === 'object' ? [...fields, `*: ${noteType(additionalProperties)}`] : fields;
}

const inBrackets = (type: string): string => (type.includes(' or ') ? `(${type})` : type);
