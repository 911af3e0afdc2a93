import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '@groundcrew/kit';
import { type AuditEntry, CHAIN_START, hashedText, signedText } from '@groundcrew/protocol';
import { createTemporaryFolder } from '@groundcrew/testkit';
import { expect, it } from 'vitest';
import { aPage } from '../../records-for-tests.ts';
import { serve } from '../../serve-for-tests.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const public_key = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
const organization_id = 'org-k3j5k3j5k3j5k3j5';

const fields = (name: string) => ({
  at: '2026-11-21T10:00:00.000Z',
  actor_kind: 'user' as const,
  actor_id: 'user-abcdefgh',
  actor_name: 'ann',
  credential_id: null,
  action: 'create',
  noun: 'workspace',
  subject_id: 'ws-abcdefgh',
  subject_name: name,
  address: '127.0.0.1',
  user_agent: 'x',
  request_id: 'req-1',
  before: null,
  after: { name },
});

/** An export of three entries, as a server makes it. */
function makeExport(): object[] {
  let hash = CHAIN_START;
  const entries = ['a', 'b', 'c'].map((name, index) => {
    const entry = { organization_id, ...fields(name), seq: 10 + index, position: index + 1, previous: hash };
    hash = sha256Hex(hashedText(entry));
    return { line: 'entry', ...entry, hash };
  });
  const head = {
    organization_id,
    position: 3,
    hash,
    unstamped: 0,
    sealed_at: '2026-11-21T10:00:00.000Z',
    signature: '',
  };
  const signature = sign(null, Buffer.from(signedText(head as never)), privateKey).toString('base64');
  const exported_at = '2026-11-21T10:00:00.000Z';
  const after = { position: 0, hash: CHAIN_START };
  return [
    { line: 'start', version: 1, organization_id, exported_at, public_key, after },
    ...entries,
    { line: 'head', ...head, signature },
  ];
}

const folder = createTemporaryFolder('audit').path;
function write(name: string, lines: readonly (object | string)[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  return path;
}

it('verifies a file without a server, with the head that was kept as anchor', async () => {
  const { cli } = await serve({});
  const lines = makeExport();
  const file = write('good.ndjson', lines);
  const { line: _line, ...head } = lines.at(-1) as Record<string, unknown>;
  const anchor = write('anchor.json', [{ ...head, public_key }]);
  const { code, out } = await cli(['audit', 'verify', '--file', file, '--anchor', anchor]);
  expect([code, out]).toEqual([0, `The audit log is intact: 3 entries up to 3:${head.hash}.\n`]);
});

it.each<[string, (lines: object[]) => (object | string)[], RegExp]>([
  ['an altered line', (lines) => lines.with(2, { ...lines[2], actor_name: 'bob' }), /Entry 2 .* was altered/],
  ['a line that is gone', (lines) => lines.toSpliced(2, 1), /Entry 2 is missing: the log goes on with 3/],
  ['a line twice', (lines) => lines.toSpliced(2, 0, lines[1] as object), /Entry 1 comes a second time/],
  [
    'lines that changed places',
    (lines) => [lines[0], lines[2], lines[1], lines[3], lines[4]] as object[],
    /Entry 1 is missing/,
  ],
  ['a file that was cut off', (lines) => lines.slice(0, 3), /cut off: its last line must be the head/],
  ['a line that is none', (lines) => [...lines.slice(0, 3), '{"line":'], /Line 4 is no line of an export/],
  ['an empty file', () => [], /cut off/],
  [
    'a foreign signature',
    (lines) => lines.with(4, { ...lines[4], signature: Buffer.alloc(64).toString('base64') }),
    /head at 3 is not signed/,
  ],
])('names %s and ends with 1', async (_what, change, message) => {
  const { cli } = await serve({});
  const { code, out } = await cli(['audit', 'verify', '--json', '--file', write('bad.ndjson', change(makeExport()))]);
  expect(JSON.parse(out).problem.message).toMatch(message);
  expect(code).toBe(1);
});

it('shows by the anchor that the tail was cut off and another server signed it', async () => {
  const { cli } = await serve({});
  const lines = makeExport();
  const { out, code } = await cli([
    'audit',
    'verify',
    '--file',
    write('x.ndjson', lines),
    '--anchor',
    `7:${'a'.repeat(64)}`,
  ]);
  expect([out, code]).toEqual([expect.stringContaining('the anchor knows entry 7, and the log ends at 3'), 1]);
  const other = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  const anchor = write('other.json', [{ ...lines.at(-1), public_key: other }]);
  expect((await cli(['audit', 'verify', '--file', write('x.ndjson', lines), '--anchor', anchor])).out).toContain(
    'another signing key',
  );
});

it('list passes its filters on and shows a table', async () => {
  const entry: AuditEntry = { ...fields('hello'), seq: 1, position: 4, hash: 'a'.repeat(64) };
  const { cli, plane } = await serve({ listAudit: () => aPage(entry, { ...entry, position: null, hash: null }) });
  const { out } = await cli(['audit', 'list', '--action', 'create', '--noun', 'workspace', '--since', '2026-11-01']);
  expect(out).toMatch(/^4 +2026-11-21 .*ann +127\.0\.0\.1 +create workspace +hello$/m);
  expect(out).toMatch(/^… /m);
  expect(plane.callsOf('listAudit')[0]?.query).toMatchObject({
    action: 'create',
    noun: 'workspace',
    since: '2026-11-01T00:00:00.000Z',
  });
});
