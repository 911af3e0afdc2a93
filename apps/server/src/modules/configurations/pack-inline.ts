import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ConfigurationCreate } from '@groundcrew/protocol';
import { pack } from 'tar-stream';
import { AppError } from '../../platform/http/index.ts';
import { createEntryChecker } from './entry-checker.ts';

const compress = promisify(gzip);
/** The file that `tf_json` becomes. */
const TF_JSON_FILE = 'main.tf.json';
/** Where a gzip header names the operating system (RFC 1952); 255 is "unknown". */
const GZIP_OS_OFFSET = 9;

/** Inline files as the same `.tar.gz` an upload would be. The same files always come to the same bytes. Errors: `invalid_configuration`. */
export async function packInline(
  create: Pick<ConfigurationCreate, 'files' | 'tf_json'>,
): Promise<{ archive: Buffer; files: number }> {
  const files = listFiles(create);
  checkFiles(files);
  const tar = pack();
  for (const [name, content] of files) tar.entry({ name, mode: 0o644, mtime: new Date(0) }, content);
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar) chunks.push(chunk as Uint8Array);
  const archive = await compress(Buffer.concat(chunks));
  archive[GZIP_OS_OFFSET] = 255;
  return { archive, files: files.length };
}

function listFiles({
  files = {},
  tf_json,
}: Pick<ConfigurationCreate, 'files' | 'tf_json'>): [name: string, content: Buffer][] {
  const all = new Map(Object.entries(files));
  if (tf_json !== undefined) {
    if (all.has(TF_JSON_FILE))
      throw refusal(`The configuration gives ${TF_JSON_FILE} among its files and as tf_json; give it once.`);
    all.set(TF_JSON_FILE, `${JSON.stringify(tf_json, null, 2)}\n`);
  }
  if (all.size === 0) throw refusal('The configuration holds no file; give at least one.');
  return [...all].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, content]) => [name, Buffer.from(content)]);
}

function checkFiles(files: readonly [name: string, content: Buffer][]): void {
  const checker = createEntryChecker();
  for (const [name, content] of files) {
    const mistake = checker.findMistake({ name, type: 'file', size: content.length });
    if (mistake !== undefined) throw refusal(mistake.replace(/^The archive/, 'The configuration'));
    if (name.endsWith('.tf.json')) checkJson(name, content);
  }
}

function checkJson(name: string, content: Buffer): void {
  try {
    JSON.parse(content.toString('utf8'));
  } catch (cause) {
    throw new AppError('invalid_configuration', `The file ${JSON.stringify(name)} is not valid JSON.`, undefined, {
      cause,
    });
  }
}

const refusal = (sentence: string): AppError => new AppError('invalid_configuration', sentence);
