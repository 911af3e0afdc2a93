import { compilePatterns, createMasker } from '@groundcrew/runner/mask';
import { deriveRelayCredentials } from '@groundcrew/runner/relay/credentials';
import type { Tables } from '../server/tables.ts';
import { SPELLINGS } from '../terraform/spell-secrets.ts';
import { fileIn, type KeptFolder, textIn } from './folders.ts';

/** Bytes of masked log that were held against what Terraform wrote. */
export interface LogCheck {
  readonly bytes: number;
  readonly violations: readonly string[];
}

/** Every stored log is mask(what was written into the raw file), and none shows a secret in any spelling. */
export function checkLogs(tables: Tables, folders: readonly KeptFolder[]): LogCheck {
  const violations: string[] = [];
  let bytes = 0;
  for (const stream of tables.streams.values()) {
    const name = `the ${stream.phase} log of ${stream.attemptId}`;
    const folder = folders.find(({ attemptId }) => attemptId === stream.attemptId);
    const raw = folder && fileIn(folder.node, `raw-${stream.phase}`);
    const workspace = workspaceOf(tables, stream.attemptId);
    const secrets = [...(workspace === undefined ? [] : (tables.secrets.get(workspace) ?? []))];
    const leak = findLeak(stream.bytes, secrets);
    if (leak !== undefined) violations.push(`${name} shows a secret (${leak})`);
    if (folder === undefined || raw === undefined || folder.wasCut) continue;
    const expected = mask(Buffer.concat(raw.history ?? []), [...secrets, ...ownSecrets(folder)]);
    bytes += stream.bytes.length;
    const sentence = compare(stream.bytes, expected, stream.whole);
    if (sentence !== undefined) violations.push(`${name} ${sentence}`);
  }
  return { bytes, violations };
}

function compare(stored: Buffer, expected: Buffer, whole: boolean): string | undefined {
  if (whole && stored.equals(expected)) return undefined;
  if (!whole && expected.subarray(0, stored.length).equals(stored)) return undefined;
  let at = 0;
  while (at < stored.length && stored[at] === expected[at]) at += 1;
  return `is not what Terraform wrote: ${stored.length} bytes stored, ${expected.length} written, different from byte ${at} on`;
}

function ownSecrets({ node }: KeptFolder): string[] {
  const secret = textIn(node, 'secret')?.trim();
  return secret === undefined ? [] : [secret, deriveRelayCredentials(secret).password];
}

/** In one go, where the runner's masker saw it in as many pieces as there were. */
function mask(bytes: Buffer, secrets: readonly string[]): Buffer {
  const named = secrets.map((value, at) => ({ name: String(at), value }));
  const patterns = compilePatterns([{ fromOffset: 0, secrets: named }]);
  const masker = createMasker({ patterns, start: { rawOffset: 0, maskedOffset: 0 } });
  return Buffer.concat([masker.push(bytes), masker.end()]);
}

function findLeak(stored: Buffer, secrets: readonly string[]): string | undefined {
  const text = stored.toString('latin1');
  for (const secret of secrets) {
    for (const name of ['plain', 'base64']) {
      const spelled = Buffer.from((SPELLINGS[name] as (secret: string) => string)(secret)).toString('latin1');
      if (text.includes(spelled)) return name;
    }
  }
  return undefined;
}

function workspaceOf(tables: Tables, attemptId: string) {
  for (const { workspace, attempts } of tables.fences.values())
    if (attempts.some(({ id }) => id === attemptId)) return workspace.id;
  return undefined;
}
