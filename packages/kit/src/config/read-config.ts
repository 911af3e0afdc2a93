import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigError, type ConfigMistake } from './config-error.ts';
import { type ConfigOf, type ConfigSpec, envNames, isField, type PlacedField } from './config-spec.ts';
import { parseYamlFile, type YamlFile } from './yaml-file.ts';

export interface ConfigSources<S extends ConfigSpec> {
  /** Wins over the file. Empty variables count as not set. */
  env: NodeJS.ProcessEnv;
  /** First part of every variable's name, `GROUNDCREW`. */
  envPrefix: string;
  /** A YAML file: its path, and its text where the caller has read it already. */
  file?: { path: string; text?: string };
  /** Rules about several keys together; asked when every key by itself is right. */
  check?: (config: ConfigOf<S>) => ConfigMistake[];
}

/**
 * Reads a configuration once, at start: environment over file over defaults. Every mistake in it is found before the
 * {@link ConfigError} that lists them is thrown.
 */
export function readConfig<S extends ConfigSpec>(spec: S, sources: ConfigSources<S>): ConfigOf<S> {
  const mistakes: ConfigMistake[] = [];
  const reader: Reader = { ...sources, yaml: readYaml(spec, sources.file, mistakes), mistakes };
  const config = readLevel(spec, [], reader) as ConfigOf<S>;
  if (mistakes.length === 0) mistakes.push(...(sources.check?.(config) ?? []));
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return config;
}

interface Reader {
  env: NodeJS.ProcessEnv;
  envPrefix: string;
  yaml: YamlFile | undefined;
  mistakes: ConfigMistake[];
}

/** Something given for a key; `problem` when it was given but cannot be had. */
interface Given {
  at: string;
  raw?: unknown;
  problem?: string;
}

function readYaml(spec: ConfigSpec, file: { path: string; text?: string } | undefined, mistakes: ConfigMistake[]) {
  if (file === undefined) return undefined;
  try {
    const yaml = parseYamlFile(file.path, file.text ?? readFileSync(file.path, 'utf8'), spec);
    mistakes.push(...yaml.mistakes);
    return yaml;
  } catch (error) {
    mistakes.push({ key: file.path, found: unreadable(error), allowed: 'a YAML file that this user may read' });
    return undefined;
  }
}

function readLevel(spec: ConfigSpec, path: readonly string[], reader: Reader): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(spec).map(([key, entry]) => {
      const here = [...path, key];
      return [key, isField(entry) ? readField({ path: here, field: entry }, reader) : readLevel(entry, here, reader)];
    }),
  );
}

function readField(placed: PlacedField, reader: Reader): unknown {
  const { path, field } = placed;
  const key = path.join('.');
  const given = findInEnv(placed, reader) ?? findInFile(placed, reader.yaml);
  if (given === undefined) {
    if (field.fallback === undefined) reader.mistakes.push({ key, found: 'nothing', allowed: field.allowed });
    return field.fallback?.value;
  }
  const value = given.problem === undefined ? field.parse(given.raw) : undefined;
  if (value === undefined) {
    const found = given.problem ?? describeFound(given.raw, field.isSecret);
    reader.mistakes.push({ key, at: given.at, found, allowed: field.allowed });
  }
  return value;
}

function findInEnv(placed: PlacedField, { env, envPrefix }: Reader): Given | undefined {
  for (const name of envNames(envPrefix, placed)) {
    const [plain, path] = [env[name], placed.field.isSecret ? env[`${name}_FILE`] : undefined];
    if (plain && path) return { at: name, problem: `both ${name} and ${name}_FILE` };
    if (plain) return { at: name, raw: plain };
    if (path) return readSecretFile(`${name}_FILE`, path);
  }
  return undefined;
}

function findInFile({ path, field }: PlacedField, yaml: YamlFile | undefined): Given | undefined {
  const found = yaml?.find(path);
  const plain = found?.raw === '' && !field.takesEmpty ? undefined : found;
  if (yaml === undefined || !field.isSecret) return plain;
  const name = path.at(-1);
  const reference = yaml.find([...path.slice(0, -1), `${name}_file`]);
  if (plain && reference?.raw) return { at: plain.at, problem: `both ${name} and ${name}_file` };
  return reference && reference.raw !== ''
    ? readSecretFile(reference.at, resolve(dirname(yaml.path), String(reference.raw)))
    : plain;
}

function readSecretFile(at: string, path: string): Given {
  try {
    return { at, raw: readFileSync(path, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    return { at, problem: `the file ${path}, which cannot be read: ${unreadable(error)}` };
  }
}

const unreadable = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file';
  return code === 'EACCES' ? 'a file this user may not read' : message;
};

function describeFound(raw: unknown, isSecret: boolean): string {
  if (isSecret)
    return typeof raw === 'string' ? `${raw.length} characters that are not shown` : 'something that is no text';
  const written = JSON.stringify(raw) ?? String(raw);
  return written.length > 80 ? `${written.slice(0, 80)}…` : written;
}
