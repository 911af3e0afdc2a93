import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { sha256Hex } from '@groundcrew/kit';
import { ARCHIVE_LIMITS, type Configuration, type ErrorBody, type Page, type Workspace } from '@groundcrew/protocol';
import { extract, type Pack, pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addForeigner, createTestServer, type TestServer } from '../../injected-server-for-tests.ts';
import { createEntryChecker } from './entry-checker.ts';
import { inspectArchive } from './inspect-archive.ts';
import { packInline } from './pack-inline.ts';

let it: TestServer;
beforeAll(async () => {
  it = await createTestServer();
  await it.call('POST', '/workspaces', { body: { name: 'w' } });
});
afterAll(() => it.close());

type Entry = [header: Parameters<Pack['entry']>[0], content?: string];

async function tar(entries: Entry[]): Promise<Buffer> {
  const packing = pack();
  for (const [header, content] of entries) {
    if (content === undefined) packing.entry(header);
    else packing.entry(header, content);
  }
  packing.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of packing) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
const tgz = async (entries: Entry[]): Promise<Buffer> => gzipSync(await tar(entries));

async function listFiles(archive: Buffer): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const unpacking = extract();
  unpacking.on('entry', async ({ name }, content, next) => {
    files[name] = await text(content);
    next();
  });
  unpacking.end(gunzipSync(archive));
  await once(unpacking, 'finish');
  return files;
}

const upload = (archive: Buffer, checksum = sha256Hex(archive), query = '') =>
  it.call<Configuration & ErrorBody>('POST', `/workspaces/w/configurations/archive${query}`, {
    headers: { 'x-content-sha256': checksum },
    body: archive,
  });
const create = (body: object) => it.call<Configuration & ErrorBody>('POST', '/workspaces/w/configurations', { body });
const download = (id: string, token = it.token) =>
  it.call<ErrorBody>('GET', `/workspaces/w/configurations/${id}/archive`, { token });
const countBlobs = async () => (await it.database.db.selectFrom('blobs').select('id').execute()).length;

describe('an uploaded archive', () => {
  test('is kept byte for byte, numbered, and becomes the newest', async () => {
    const archive = await tgz([
      [{ name: './', type: 'directory' }],
      [{ name: './main.tf' }, 'locals {}'],
      [{ name: 'modules/a/x.tf' }, 'locals {}'],
    ]);
    const { status, body } = await upload(archive, undefined, '?message=hello');
    expect(status).toBe(201);
    expect(body).toMatchObject({
      source: 'archive',
      checksum: sha256Hex(archive),
      size: archive.length,
      files: 2,
      message: 'hello',
      created_by: 'admin',
    });
    expect((await it.call<Workspace>('GET', '/workspaces/w')).body.configuration_id).toBe(body.id);
    const answer = await download(body.id);
    expect(answer.bytes.equals(archive)).toBe(true);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/gzip',
      'content-length': String(archive.length),
      'x-content-sha256': body.checksum,
    });
    expect((await upload(archive)).body.number).toBe(body.number + 1);
  });

  test('uploads at once are numbered one after the other', async () => {
    const archive = await tgz([[{ name: 'main.tf' }, 'locals {}']]);
    const all = await Promise.all(Array.from({ length: 10 }, () => upload(archive)));
    const numbers = all.map(({ body }) => body.number).toSorted((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 10 }, (_, i) => (numbers[0] as number) + i));
    const newest = all.find(({ body }) => body.number === numbers.at(-1))?.body.id;
    expect((await it.call<Workspace>('GET', '/workspaces/w')).body.configuration_id).toBe(newest);
  });

  test('with another checksum than announced is refused, and nothing is kept', async () => {
    const before = await countBlobs();
    const answer = await upload(await tgz([[{ name: 'main.tf' }, 'x']]), 'a'.repeat(64));
    expect([answer.status, answer.body.code]).toEqual([422, 'checksum_mismatch']);
    expect(await countBlobs()).toBe(before);
  });

  test.each<[string, () => Promise<Buffer>, string]>([
    ['that climbs out', () => tgz([[{ name: '../evil.tf' }, 'x']]), '../evil.tf'],
    ['with an absolute path', () => tgz([[{ name: '/etc/passwd' }, 'x']]), '/etc/passwd'],
    ['with a symbolic link', () => tgz([[{ name: 'a.tf', type: 'symlink', linkname: '/etc/passwd' }]]), 'symlink'],
    ['with a hard link', () => tgz([[{ name: 'a.tf', type: 'link', linkname: 'b.tf' }]]), 'link'],
    ['with a FIFO', () => tgz([[{ name: 'x.tf', type: 'fifo' }]]), 'fifo'],
    ['with a device', () => tgz([[{ name: 'x.tf', type: 'character-device' }]]), 'device'],
    ['with a path too long', () => tgz([[{ name: `${'d/'.repeat(20)}${'x'.repeat(500)}.tf` }, 'x']]), 'longer'],
    ['with folders too deep', () => tgz([[{ name: `${'d/'.repeat(40)}x.tf` }, 'x']]), 'deeper'],
    [
      'with the same file twice',
      () =>
        tgz([
          [{ name: 'a.tf' }, 'x'],
          [{ name: './a.tf' }, 'y'],
        ]),
      'twice',
    ],
    [
      'with a file below a file',
      () =>
        tgz([
          [{ name: 'a' }, 'x'],
          [{ name: 'a/b.tf' }, 'y'],
        ]),
      'which is a file',
    ],
    [
      'with a folder that is a file',
      () =>
        tgz([
          [{ name: 'a/b.tf' }, 'y'],
          [{ name: 'a' }, 'x'],
        ]),
      'both as a file and as a folder',
    ],
    ['with nothing in it', () => tgz([]), 'no file'],
    ['with folders only', () => tgz([[{ name: 'a', type: 'directory' }]]), 'no file'],
    ['that is no gzip', async () => Buffer.from('PK\u0003\u0004 a zip'), 'no .tar.gz'],
    ['that is no gzip, and large', async () => Buffer.alloc(200_000, 'x'), 'no .tar.gz'],
    ['that is empty', async () => Buffer.alloc(0), 'no .tar.gz'],
    [
      'that is cut off in the gzip',
      async () => (await tgz([[{ name: 'a.tf' }, 'x'.repeat(5_000)]])).subarray(0, 60),
      'gzip',
    ],
    [
      'that is cut off in the tar',
      async () => gzipSync((await tar([[{ name: 'a.tf' }, 'x'.repeat(5_000)]])).subarray(0, 1_500)),
      'tar',
    ],
    ['whose gzip holds no tar', async () => gzipSync(Buffer.alloc(2_000, 'x')), 'tar'],
    [
      'with too many entries',
      async () => {
        const folder = (await tar([[{ name: 'again', type: 'directory' }]])).subarray(0, 512);
        return gzipSync(Buffer.concat(Array.from({ length: ARCHIVE_LIMITS.maxEntries + 1 }, () => folder)));
      },
      'entries',
    ],
  ])('%s is refused with a sentence that names it, and nothing is kept', async (_what, make, words) => {
    const before = [await countBlobs(), (await it.call<Workspace>('GET', '/workspaces/w')).body.configuration_id];
    const answer = await upload(await make());
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_archive']);
    expect(answer.body.error).toContain(words);
    expect([await countBlobs(), (await it.call<Workspace>('GET', '/workspaces/w')).body.configuration_id]).toEqual(
      before,
    );
  });

  test('that unpacks to far more than it weighs ends where the limit is', async () => {
    // Members of a gzip file may follow each other: 600 times a megabyte of nothing in 600 kB.
    const member = gzipSync(Buffer.alloc(1024 * 1024));
    const bomb = Buffer.concat(Array.from({ length: 600 }, () => member));
    let passed = 0;
    const looking = (async () => {
      for await (const chunk of inspectArchive(Readable.from(pieces(bomb, 4_096)), () => {})) passed += chunk.length;
    })();
    await expect(looking).rejects.toMatchObject({
      code: 'invalid_archive',
      message: expect.stringContaining('bytes unpacked'),
    });
    expect(passed).toBeLessThan(bomb.length);
  });

  test('is refused in the middle, before the rest is sent', async () => {
    let sent = 0;
    async function* endless() {
      yield gzipSync(await tar([[{ name: '../evil.tf' }, 'x']]));
      for (;;) {
        sent += 1;
        yield Buffer.alloc(65_536);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await expect(
      Readable.from(inspectArchive(endless(), () => {}))
        .resume()
        .toArray(),
    ).rejects.toMatchObject({ code: 'invalid_archive' });
    expect(sent).toBeLessThan(1_000);
  });
});

function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('an inline configuration', () => {
  test('becomes an archive like any other', async () => {
    const { body } = await create({
      files: { 'b.tf': 'locals {}', 'modules/a/a.tf': 'ü' },
      tf_json: { locals: { a: 1 } },
      message: 'inline',
    });
    expect(body).toMatchObject({ source: 'inline', files: 3, message: 'inline' });
    expect(await listFiles((await download(body.id)).bytes)).toEqual({
      'b.tf': 'locals {}',
      'modules/a/a.tf': 'ü',
      'main.tf.json': '{\n  "locals": {\n    "a": 1\n  }\n}\n',
    });
  });

  test('of the same files is the same archive, in whatever order they come', async () => {
    const [first, second] = await Promise.all([
      packInline({ files: { a: '1', b: '2' } }),
      packInline({ files: { b: '2', a: '1' } }),
    ]);
    expect(first.archive.equals(second.archive)).toBe(true);
    const { body } = await create({ files: { a: '1', b: '2' } });
    expect(body.checksum).toBe(sha256Hex(first.archive));
  });

  test.each([
    [{ files: { '../a.tf': '' } }, 'invalid_configuration', '../a.tf'],
    [{ files: { '/a.tf': '' } }, 'invalid_configuration', 'absolute'],
    [{ files: { a: '', 'a/b': '' } }, 'invalid_configuration', 'which is a file'],
    [{ files: { 'main.tf.json': '{}' }, tf_json: {} }, 'invalid_configuration', 'give it once'],
    [{ files: { 'x.tf.json': '{' } }, 'invalid_configuration', 'not valid JSON'],
    [{ files: {} }, 'invalid_configuration', 'no file'],
    [{}, 'invalid_request', 'files'],
  ])('%o is refused', async (body, code, words) => {
    const answer = await create(body);
    expect(answer.body.code).toBe(code);
    expect(answer.body.error).toContain(words);
    expect(answer.body.error).not.toMatch(/^The archive/);
  });
});

test('lists come newest first, page by page', async () => {
  const numbers: number[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body }: { body: Page<Configuration> } = await it.call(
      'GET',
      `/workspaces/w/configurations?limit=3${cursor && `&cursor=${cursor}`}`,
    );
    numbers.push(...body.items.map(({ number }) => number));
    cursor = body.next_cursor;
  }
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => numbers.length - i));
});

test('configurations of another workspace or organisation are not there', async () => {
  const { body } = await create({ tf_json: {} });
  const token = await addForeigner(it);
  expect((await download(body.id, token)).status).toBe(404);
  await it.call('POST', '/workspaces', { body: { name: 'neighbour' } });
  expect((await it.call('GET', `/workspaces/neighbour/configurations/${body.id}/archive`)).status).toBe(404);
  expect((await it.call('POST', '/workspaces/w/configurations', { token, body: { tf_json: {} } })).status).toBe(404);
});

test('bytes that were stored but never became a configuration are swept', async () => {
  const { blobs, db } = it.server.platform;
  const before = await countBlobs();
  await blobs.put(
    db,
    { organizationId: it.organizationId, purpose: 'configuration', subjectId: 'cv-lost' },
    Buffer.from('lost'),
    { maxBytes: 100 },
  );
  expect(await blobs.sweep(db, new Date(Date.now() + 1_000), 100)).toBe(1);
  expect(await countBlobs()).toBe(before);
});

test('the limit of all files together counts what headers announce', () => {
  const checker = createEntryChecker();
  const mistakes = Array.from({ length: 5 }, (_, i) =>
    checker.findMistake({ name: `f${i}`, type: 'file', size: ARCHIVE_LIMITS.maxFileBytes }),
  );
  expect(mistakes.slice(0, 4)).toEqual([undefined, undefined, undefined, undefined]);
  expect(mistakes[4]).toContain('bytes unpacked');
});
