import type { Field } from './fields.ts';

/** What a configuration may hold: keys as in the YAML file, nested as there. */
export interface ConfigSpec {
  [key: string]: Field<unknown> | ConfigSpec;
}

/** The configuration that a specification describes. */
export type ConfigOf<S extends ConfigSpec> = {
  readonly [K in keyof S]: S[K] extends Field<infer T> ? T : S[K] extends ConfigSpec ? ConfigOf<S[K]> : never;
};

/** A field and the path of its key. */
export interface PlacedField {
  path: readonly string[];
  field: Field<unknown>;
}

/** Every field of a specification, in its order. */
function listFields(spec: ConfigSpec, path: readonly string[] = []): PlacedField[] {
  return Object.entries(spec).flatMap(([key, entry]) => {
    const here = [...path, key];
    return isField(entry) ? [{ path: here, field: entry }] : listFields(entry, here);
  });
}

export const isField = (entry: Field<unknown> | ConfigSpec): entry is Field<unknown> =>
  typeof entry.parse === 'function';

/** Names of the environment variables of a key, the one made from its path first: `agent.name` → `GROUNDCREW_AGENT_NAME`. */
export const envNames = (prefix: string, { path, field }: PlacedField): string[] => [
  [prefix, ...path].join('_').toUpperCase(),
  ...field.env,
];

/** A key as the reference shows it. */
export interface ConfigReferenceRow {
  key: string;
  env: string[];
  allowed: string;
  /** As people write it, else as JSON; undefined for a required key. */
  default: string | undefined;
  doc: string;
  /** Each variable can end in `_FILE` and the key in `_file` as well. */
  isSecret: boolean;
}

/** Everything that may be configured, for a generated reference. */
export function describeConfig(spec: ConfigSpec, envPrefix: string): ConfigReferenceRow[] {
  return listFields(spec).map((placed) => ({
    key: placed.path.join('.'),
    env: envNames(envPrefix, placed),
    allowed: placed.field.allowed,
    default: describeDefault(placed.field),
    doc: placed.field.doc,
    isSecret: placed.field.isSecret,
  }));
}

const describeDefault = ({ writtenDefault, fallback }: Field<unknown>): string | undefined =>
  writtenDefault ?? (fallback && (JSON.stringify(fallback.value) ?? 'none'));
