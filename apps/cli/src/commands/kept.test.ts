import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FakeRefusal } from '../fake-control-plane-for-tests.ts';
import { aPage, aStateVersion, aVariable } from '../records-for-tests.ts';
import { folder, serve } from '../serve-for-tests.ts';

describe('var', () => {
  it('set adds what is new and changes what is there, each in its own kind', async () => {
    const { plane, cli } = await serve({
      listVariables: () => aPage(aVariable({ key: 'name' })),
      updateVariable: ({ body }) => aVariable({ value: body.value ?? null }),
      createVariable: ({ body }) => aVariable(body),
    });
    const { code, out } = await cli(['var', 'set', 'hello', 'name=Ada=x', 'zones=["a"]', '--hcl']);
    expect([code, out]).toEqual([0, 'Set name.\nSet zones.\n']);
    expect(plane.callsOf('updateVariable')[0]?.body).toEqual({ value: 'Ada=x', hcl: true });
    expect(plane.callsOf('createVariable')[0]?.body).toMatchObject({
      key: 'zones',
      value: '["a"]',
      hcl: true,
      category: 'terraform',
    });
    await cli(['var', 'set', 'hello', 'name=1', '--env']);
    expect(plane.callsOf('createVariable')[1]?.body).toMatchObject({ key: 'name', category: 'env' });
  });

  it('set changes the variable that somebody else added just now', async () => {
    let lists = 0;
    const { plane, cli } = await serve({
      listVariables: () => (lists++ === 0 ? aPage() : aPage(aVariable({ key: 'name' }))),
      createVariable: () => {
        throw new FakeRefusal('name_taken', 'There is one.');
      },
      updateVariable: () => aVariable(),
    });
    expect((await cli(['var', 'set', 'hello', 'name=Ada'])).code).toBe(0);
    expect(plane.callsOf('updateVariable')).toHaveLength(1);
  });

  it.each([[[]], [['--file', '-']]])(
    'set takes a sensitive value from standard input (%j)',
    async (extra: string[]) => {
      const { plane, cli } = await serve({
        listVariables: () => aPage(),
        createVariable: ({ body }) => aVariable({ ...body, value: null }),
      });
      const { code, out, err } = await cli(['var', 'set', 'hello', 'password', '--sensitive', ...extra], {
        stdin: 'p w\n',
      });
      expect([code, out, err]).toEqual([0, 'Set password (sensitive).\n', '']);
      expect(plane.callsOf('createVariable')[0]?.body).toMatchObject({ value: 'p w', sensitive: true });
    },
  );

  it('set reads a file as it is', async () => {
    const { plane, cli } = await serve({
      listVariables: () => aPage(),
      createVariable: ({ body }) => aVariable({ ...body, value: null }),
    });
    const cwd = folder();
    writeFileSync(join(cwd, 'key.pem'), 'one\ntwo\n');
    await cli(['var', 'set', 'hello', 'tls_key', '--sensitive', '--file', 'key.pem'], { cwd });
    expect(plane.callsOf('createVariable')[0]?.body.value).toBe('one\ntwo\n');
    const missing = await cli(['var', 'set', 'hello', 'k', '--file', 'none.pem'], { cwd });
    expect(missing.err).toBe(`Error: Cannot read ${join(cwd, 'none.pem')}: there is no such file.\n`);
  });

  it('set takes no secret from the command line', async () => {
    const { plane, cli } = await serve({
      listVariables: () => aPage(aVariable({ key: 'password', sensitive: true, value: null })),
    });
    const first = await cli(['var', 'set', 'hello', 'password=hunter2', '--sensitive']);
    expect([first.code, first.err]).toEqual([2, expect.stringMatching(/must not stand on the command line/)]);
    const second = await cli(['var', 'set', 'hello', 'password=hunter2']);
    expect([second.code, second.err]).toEqual([2, expect.stringMatching(/"password" is sensitive: add --sensitive/)]);
    expect(`${first.err}${second.err}`).not.toContain('hunter2');
    expect(plane.callsOf('updateVariable')).toHaveLength(0);
    expect((await cli(['var', 'set', 'hello', 'name'])).err).toBe('Error: "name" has no value; type name=value.\n');
  });

  it('list hides what is sensitive, delete names what there is not', async () => {
    const { cli } = await serve({
      listVariables: () => aPage(aVariable(), aVariable({ key: 'password', sensitive: true, value: null })),
      deleteVariable: () => undefined,
    });
    expect((await cli(['var', 'list', 'hello'])).out).toMatch(
      /name +terraform +Ada\n.*password +terraform +\(sensitive\) +sensitive/,
    );
    expect((await cli(['var', 'delete', 'hello', 'name'])).out).toBe('Removed name.\n');
    expect((await cli(['var', 'delete', 'hello', 'other', '--env'])).err).toBe(
      'Error: Workspace hello has no environment variable "other".\n',
    );
  });
});

describe('state', () => {
  const bytes = Buffer.from('{"version":4,"ä":1}\n');
  const checksum = createHash('sha256').update(bytes).digest('hex');

  it('pull writes exactly the bytes, to a file that only its owner reads', async () => {
    const { cli } = await serve({
      listStateVersions: () => aPage(aStateVersion({ checksum })),
      downloadStateVersion: () => bytes,
    });
    expect((await cli(['state', 'pull', 'hello'])).out).toBe(bytes.toString());
    const cwd = folder();
    expect((await cli(['state', 'pull', 'hello', '1', '-o', 'x.tfstate'], { cwd })).code).toBe(0);
    expect(readFileSync(join(cwd, 'x.tfstate'))).toEqual(bytes);
    expect(statSync(join(cwd, 'x.tfstate')).mode & 0o777).toBe(0o600);
    expect((await cli(['state', 'pull', 'hello', '7'])).err).toBe('Error: Workspace hello has no state version 7.\n');
  });

  it('pull refuses bytes that arrived damaged', async () => {
    const { cli } = await serve({ listStateVersions: () => aPage(aStateVersion()), downloadStateVersion: () => bytes });
    expect((await cli(['state', 'pull', 'hello'])).err).toMatch(/arrived damaged/);
  });

  it('push sends the bytes with their checksum, rollback asks', async () => {
    const { plane, cli } = await serve({
      pushState: () => aStateVersion({ version: 2 }),
      rollbackState: () => aStateVersion({ version: 3 }),
    });
    const cwd = folder();
    writeFileSync(join(cwd, 'x.tfstate'), bytes);
    expect((await cli(['state', 'push', 'hello', 'x.tfstate', '--message', 'm'], { cwd })).out).toMatch(
      /^Stored as version 2/,
    );
    expect(plane.callsOf('pushState')[0]).toMatchObject({
      raw: bytes,
      headers: { 'x-content-sha256': checksum },
      query: { force: 'false', message: 'm' },
    });
    expect((await cli(['state', 'rollback', 'hello', '1'])).code).toBe(2);
    expect((await cli(['state', 'rollback', 'hello', '1', '-y'])).out).toBe(
      'Version 1 is current again, as version 3.\n',
    );
  });

  it('show tells outputs, but no sensitive one', async () => {
    const { cli } = await serve({ listStateVersions: () => aPage(aStateVersion()) });
    const { out } = await cli(['state', 'show', 'hello']);
    expect(out).toContain('greeting = "Hello, world!"');
    expect(out).toContain('key = (sensitive)');
    expect((await cli(['state', 'list', 'hello'])).out).toContain('1        5       4          1.2 kB  current');
  });
});
