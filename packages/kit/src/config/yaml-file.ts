import { basename } from 'node:path';
import { type Document, isCollection, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { ConfigMistake } from './config-error.ts';
import { type ConfigSpec, isField } from './config-spec.ts';

/** A YAML file as a source of values. */
export interface YamlFile {
  path: string;
  mistakes: readonly ConfigMistake[];
  /** The value at a path as plain data and where it stands; undefined when there is none. */
  find(path: readonly string[]): { raw: unknown; at: string } | undefined;
}

/** @param path where the text came from, for messages and for paths relative to it */
export function parseYamlFile(path: string, text: string, spec: ConfigSpec): YamlFile {
  const lines = new LineCounter();
  // Pretty errors would quote the line, and a line may hold a secret.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${basename(path)}:${line}:${col}`;
  };
  const broken: ConfigMistake[] = document.errors.map(({ code, pos }) => ({
    key: basename(path),
    at: at(pos[0]),
    found: `broken YAML (${code.toLowerCase().replaceAll('_', ' ')})`,
    allowed: 'YAML 1.2',
  }));
  if (broken.length === 0) broken.push(...findBadAliases(document, basename(path), at));
  if (broken.length > 0) return { path, mistakes: broken, find: () => undefined };
  return { path, mistakes: findUnknownKeys(document, spec, [], at), find: (keys) => findValue(document, keys, at) };
}

type Locate = (offset: number) => string;

/**
 * The parser only finds these when a value is taken, and its message then quotes the name: of `token: *secret`, where the quotes were
 * forgotten, that is the secret.
 */
function findBadAliases(document: Document, key: string, at: Locate): ConfigMistake[] {
  const mistakes: ConfigMistake[] = [];
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return;
      const allowed = 'quotes around a text that begins with *';
      mistakes.push({ key, at: at(alias.range?.[0] ?? 0), found: 'an alias of nothing', allowed });
    },
  });
  if (mistakes.length > 0) return mistakes;
  try {
    document.toJS();
    return [];
  } catch {
    return [{ key, found: 'aliases that cannot be followed, or too many of them', allowed: 'a file without them' }];
  }
}

function findValue(document: Document, keys: readonly string[], at: Locate) {
  const node = document.getIn(keys, true);
  if (!isNode(node)) return undefined;
  const raw: unknown = node.toJS(document);
  if (raw === null || raw === undefined) return undefined;
  return { raw, at: at(node.range?.[0] ?? 0) };
}

function findUnknownKeys(document: Document, spec: ConfigSpec, path: string[], at: Locate): ConfigMistake[] {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  if (node === null || node === undefined || (isScalar(node) && node.value === null)) return [];
  const keys = allowedKeys(spec);
  const allowed = `these keys: ${keys.join(', ')}`;
  if (!isMap(node)) {
    const position = isNode(node) ? at(node.range?.[0] ?? 0) : undefined;
    return [
      { key: path.join('.') || 'the file', at: position, found: isCollection(node) ? 'a list' : 'a value', allowed },
    ];
  }
  return node.items.flatMap(({ key }) => {
    const name = String(isScalar(key) ? key.value : key);
    const entry = spec[name];
    if (entry !== undefined && !isField(entry)) return findUnknownKeys(document, entry, [...path, name], at);
    if (keys.includes(name)) return [];
    const position = isNode(key) ? at(key.range?.[0] ?? 0) : undefined;
    return [{ key: [...path, name].join('.'), at: position, found: 'a key that does not exist', allowed }];
  });
}

const allowedKeys = (spec: ConfigSpec): string[] =>
  Object.entries(spec).flatMap(([key, entry]) => (isField(entry) && entry.isSecret ? [key, `${key}_file`] : [key]));
