import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listHclBlocks } from '../hcl/hcl-blocks.ts';
import { type JsonMember, JsonSyntaxError, listJsonElements, listJsonMembers } from '../json/json-bytes.ts';
import { type ConfigFile, listConfigFiles } from './config-files.ts';

/** Where a configuration says that its state is kept. */
export interface OwnBackend {
  file: string;
  kind: 'backend' | 'cloud';
  /** Such as `s3`; undefined for a `cloud` block. */
  type: string | undefined;
}

/** The back end or `cloud` block that the configuration in `dir` declares outside of override files. */
export async function findOwnBackend(dir: string): Promise<OwnBackend | undefined> {
  return (await findBackends(dir, (file) => !file.override))[0];
}

/** Back ends that override files of the configuration declare; these could take precedence over ours. */
export async function findBackendOverrides(dir: string): Promise<OwnBackend[]> {
  return findBackends(dir, (file) => file.override);
}

async function findBackends(dir: string, wanted: (file: ConfigFile) => boolean): Promise<OwnBackend[]> {
  const found: OwnBackend[] = [];
  for (const file of (await listConfigFiles(dir)).filter(wanted)) {
    const bytes = readFileSync(join(dir, file.name));
    const backend = file.syntax === 'json' ? findInJson(bytes) : findInHcl(bytes);
    if (backend) found.push({ file: file.name, ...backend });
  }
  return found;
}

type Found = Omit<OwnBackend, 'file'> | undefined;

function findInHcl(bytes: Buffer): Found {
  // Most files hold neither word; only the others are worth cutting into tokens.
  if (!bytes.includes('backend') && !bytes.includes('cloud')) return undefined;
  for (const { path, labels } of listHclBlocks(bytes.toString())) {
    if (path.length !== 2 || path[0] !== 'terraform') continue;
    if (path[1] === 'backend') return { kind: 'backend', type: labels[0] };
    if (path[1] === 'cloud') return { kind: 'cloud', type: undefined };
  }
  return undefined;
}

function findInJson(bytes: Buffer): Found {
  try {
    const start = bytes[0] === 0xef ? 3 : 0;
    for (const block of membersNamed(bytes, start, ['terraform'])) {
      for (const { key, start: at } of membersNamed(bytes, block.start, ['backend', 'cloud'])) {
        if (key === 'cloud') return { kind: 'cloud', type: undefined };
        return { kind: 'backend', type: [...objectMembers(bytes, at)][0]?.key };
      }
    }
  } catch (error) {
    // Broken JSON: Terraform says so better than we could.
    if (!(error instanceof JsonSyntaxError) && !(error instanceof SyntaxError)) throw error;
  }
  return undefined;
}

function* membersNamed(bytes: Buffer, at: number, keys: readonly string[]): Generator<JsonMember> {
  for (const member of objectMembers(bytes, at)) {
    if (keys.includes(member.key) && bytes[member.start] !== NULL) yield member;
  }
}

const NULL = 'n'.charCodeAt(0);
const ARRAY = '['.charCodeAt(0);

/** Where HCL's JSON syntax expects a block, an array of such objects means several blocks. */
function* objectMembers(bytes: Buffer, at: number): Generator<JsonMember> {
  const start = firstByte(bytes, at);
  if (bytes[start] !== ARRAY) yield* listJsonMembers(bytes, start);
  else for (const element of listJsonElements(bytes, start)) yield* objectMembers(bytes, element.start);
}

function firstByte(bytes: Buffer, at: number): number {
  let start = at;
  while (start < bytes.length && (bytes[start] as number) <= 0x20) start += 1;
  return start;
}
