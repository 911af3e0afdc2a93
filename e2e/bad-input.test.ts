import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { newId, sha256Hex } from '@groundcrew/kit';
import { ARCHIVE_LIMITS, type Workspace } from '@groundcrew/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  ask,
  createLab,
  createPool,
  createWorkspace,
  type Entry,
  findRefusalMistakes,
  type Lab,
  openDatabase,
  packEntries,
  packFiles,
  type Question,
  type RunningServer,
} from './harness/index.ts';

describe('bad requests and archives: one sentence each, the right status, nothing half-written', () => {
  let lab: Lab;
  let server: RunningServer;
  let workspace: Workspace;

  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer({ env: { GROUNDCREW_BUILT_IN_AGENT_ENABLED: 'false' } });
    workspace = await createWorkspace(server);
  });
  afterAll(() => lab?.close());
  afterEach(async () => {
    expect((await ask(server, { path: '/api/v1/info', token: null })).status).toBe(200);
    const me = await server.client.call('getMe');
    expect(me.user?.role).toBe('owner');
  });

  const expectRefusal = async (question: Question, status: number, code: string, names: RegExp): Promise<void> => {
    const answer = await ask(server, question);
    expect(
      findRefusalMistakes(answer, { status, code, names }),
      `${question.method ?? 'GET'} ${question.path}`,
    ).toEqual([]);
  };
  /** How many rows every table has: what a refused request leaves behind. */
  const countRows = async (): Promise<Record<string, number>> => {
    const db = await openDatabase(server.home);
    try {
      const tables = [
        'workspaces',
        'configurations',
        'variables',
        'tasks',
        'pools',
        'agents',
        'users',
        'blobs',
        'blob_chunks',
        'state_versions',
      ];
      const counts = await Promise.all(
        tables.map(async (table) => (await db.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.n),
      );
      return Object.fromEntries(tables.map((table, index) => [table, Number(counts[index])]));
    } finally {
      await db.end();
    }
  };

  const archivePath = () => `/api/v1/workspaces/${workspace.workspace_id}/configurations/archive`;
  const upload = (bytes: Uint8Array, checksum = sha256Hex(bytes)): Question => ({
    method: 'POST',
    path: archivePath(),
    headers: { 'content-type': 'application/gzip', 'x-content-sha256': checksum },
    body: bytes,
  });
  const good: Entry = { name: 'main.tf', content: '' };

  test.each<[string, Entry[], RegExp]>([
    ['a path that leads out', [good, { name: '../evil.tf', content: '' }], /\.\.\/evil\.tf/],
    ['a path that leads out further in', [{ name: 'a/../../evil.tf', content: '' }], /a\/\.\.\/\.\.\/evil\.tf/],
    ['an absolute path', [{ name: '/etc/cron.d/evil', content: '' }], /\/etc\/cron\.d\/evil/],
    ['a symbolic link', [{ name: 'main.tf', type: 'symlink', linkname: '/dev/zero' }], /main\.tf.*symlink/],
    ['a hard link', [good, { name: 'x.tf', type: 'link', linkname: 'main.tf' }], /x\.tf.*link/],
    ['a FIFO', [{ name: 'x.tf', type: 'fifo' }], /x\.tf.*fifo/],
    ['a character device', [{ name: 'null', type: 'character-device', devmajor: 1, devminor: 3 }], /null.*device/],
    ['a block device', [{ name: 'sda', type: 'block-device', devmajor: 8, devminor: 0 }], /sda.*device/],
    ['a name with a backslash', [{ name: 'a\\b.tf', content: '' }], /backslash/],
    ['a path that is too deep', [{ name: `${'d/'.repeat(ARCHIVE_LIMITS.maxDepth + 1)}x.tf`, content: '' }], /deeper/],
    [
      'a file beyond the limit',
      [{ name: 'big.bin', content: Buffer.alloc(ARCHIVE_LIMITS.maxFileBytes + 1) }],
      /big\.bin/,
    ],
  ])('an archive with %s', async (_what, entries, names) => {
    const before = await countRows();
    await expectRefusal(upload(await packEntries(entries)), 422, 'invalid_archive', names);
    expect(await countRows()).toEqual(before);
  });

  test('an archive with too many entries, one that unpacks to too much, one that is none', async () => {
    const before = await countRows();
    const many = Array.from({ length: ARCHIVE_LIMITS.maxEntries + 1 }, (_, n) => ({ name: `f${n}`, content: '' }));
    await expectRefusal(upload(await packEntries(many)), 422, 'invalid_archive', /20000 entries/);
    const piece = Buffer.alloc(45 * 1024 * 1024);
    const bomb = await packEntries([1, 2, 3, 4, 5].map((n) => ({ name: `f${n}`, content: piece })));
    await expectRefusal(upload(bomb), 422, 'invalid_archive', /bytes unpacked/);
    await expectRefusal(upload(Buffer.from('this is no archive')), 422, 'invalid_archive', /\.tar\.gz/);
    await expectRefusal(upload(gzipSync('and this no tar')), 422, 'invalid_archive', /tar|archive/);
    await expectRefusal(
      upload((await packFiles({ 'main.tf': 'x'.repeat(5000) })).subarray(0, 60)),
      422,
      'invalid_archive',
      /gzip|archive/,
    );
    expect(await countRows()).toEqual(before);
  }, 60_000);

  test('an upload whose checksum is wrong, missing or no checksum', async () => {
    const before = await countRows();
    const archive = await packFiles({ 'main.tf': '' });
    await expectRefusal(upload(archive, sha256Hex('other')), 422, 'checksum_mismatch', /SHA-256/);
    await expectRefusal(upload(archive, 'abc'), 400, 'invalid_request', /x-content-sha256/);
    const { headers: _none, ...without } = upload(archive);
    await expectRefusal(
      { ...without, headers: { 'content-type': 'application/gzip' } },
      400,
      'invalid_request',
      /x-content-sha256/,
    );
    expect(await countRows()).toEqual(before);
    expect((await ask(server, upload(archive))).status).toBe(201);
  });

  test('inline files that lead out, and none at all', async () => {
    const path = `/api/v1/workspaces/${workspace.workspace_id}/configurations`;
    const before = await countRows();
    for (const name of ['../x.tf', '/etc/x.tf', 'a/../../x.tf'])
      await expectRefusal(
        { method: 'POST', path, body: { files: { [name]: '' } } },
        422,
        'invalid_configuration',
        /x\.tf/,
      );
    await expectRefusal({ method: 'POST', path, body: {} }, 400, 'invalid_request', /files/);
    expect(await countRows()).toEqual(before);
  });

  test('bodies that are no JSON, of another type, too large, too deep, or not UTF-8', async () => {
    const create = { method: 'POST', path: '/api/v1/workspaces' };
    const before = await countRows();
    await expectRefusal({ ...create, body: '{"name": "x"' }, 400, 'invalid_request', /JSON/i);
    await expectRefusal(
      { ...create, body: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'unsupported_media_type',
      /application\/x-www-form-urlencoded|content type|application\/json/i,
    );
    await expectRefusal(
      { ...create, body: '<x/>', headers: { 'content-type': 'text/xml' } },
      415,
      'unsupported_media_type',
      /json|xml/i,
    );
    await expectRefusal(
      { ...create, body: Buffer.from('{"name":"\xff\xfe"}', 'latin1') },
      400,
      'invalid_request',
      /UTF-8/,
    );
    await expectRefusal(
      { ...create, body: `${'['.repeat(5000)}${']'.repeat(5000)}` },
      400,
      'invalid_request',
      /deep|levels/,
    );
    await expectRefusal(
      { ...create, body: { name: 'x', description: 'y'.repeat(10_000_000) } },
      413,
      'too_large',
      /larger/,
    );
    await expectRefusal({ ...create, body: '' }, 400, 'invalid_request', /name/);
    await expectRefusal({ ...create, body: '[]' }, 400, 'invalid_request', /object|expected/i);
    await expectRefusal({ ...create, body: 'null' }, 400, 'invalid_request', /name|object/);
    expect(await countRows()).toEqual(before);
  });

  test.each<[string, unknown, RegExp]>([
    ['a name that is a number', { name: 7 }, /name/],
    ['no name', {}, /name/],
    ['a name with a slash', { name: 'a/b' }, /name/],
    ['a name that is too long', { name: 'x'.repeat(91) }, /name/],
    ['a name with a NUL', { name: 'a\u0000b' }, /name/],
    ['a mode that does not exist', { name: 'x', execution_mode: 'cloud' }, /execution_mode/],
    ['a range as version', { name: 'x', terraform_version: '~> 1.5' }, /terraform_version/],
    ['a time-out below zero', { name: 'x', plan_timeout_seconds: -1 }, /plan_timeout_seconds/],
    ['a folder that leads out', { name: 'x', working_directory: '../..' }, /working_directory/],
    [
      'an id of another kind',
      { name: 'x', execution_mode: 'agent', agent_pool_id: 'ws-aaaaaaaaaaaaaaaaaaaa' },
      /agent_pool_id/,
    ],
    ['mode agent without a pool', { name: 'x', execution_mode: 'agent' }, /agent_pool_id/],
  ])('a workspace with %s', async (_what, body, names) => {
    const before = await countRows();
    await expectRefusal({ method: 'POST', path: '/api/v1/workspaces', body }, 400, 'invalid_request', names);
    expect(await countRows()).toEqual(before);
  });

  test('all mistakes of a request are told at once', async () => {
    const body = { name: 7, execution_mode: 'cloud', plan_timeout_seconds: 'long' };
    const answer = await ask(server, { method: 'POST', path: '/api/v1/workspaces', body });
    const { details } = JSON.parse(answer.text) as { details: { path: string }[] };
    expect(details.map(({ path }) => path).toSorted()).toEqual(['execution_mode', 'name', 'plan_timeout_seconds']);
  });

  test('ids that do not exist, are malformed, or belong to something else', async () => {
    const unknown = newId('task');
    for (const suffix of ['', '/plan', '/events', '/logs', '/queue', '/attempts', '/log-streams'])
      await expectRefusal({ path: `/api/v1/tasks/${unknown}${suffix}` }, 404, 'not_found', new RegExp(unknown));
    await expectRefusal({ path: '/api/v1/tasks/nonsense' }, 400, 'invalid_request', /task_id/);
    await expectRefusal({ path: `/api/v1/tasks/${workspace.workspace_id}` }, 400, 'invalid_request', /task_id/);
    await expectRefusal({ path: '/api/v1/workspaces/there-is-none' }, 404, 'not_found', /there-is-none/);
    await expectRefusal({ path: `/api/v1/agents/${newId('agent')}` }, 404, 'not_found', /agent/);
    await expectRefusal({ path: `/api/v1/agent-pools/${newId('pool')}` }, 404, 'not_found', /pool/);
    await expectRefusal({ path: `/api/v1/state-versions/${newId('sv')}` }, 404, 'not_found', /state/);
    const task = { workspace_id: workspace.workspace_id, task_type: 'plan', configuration_id: newId('cv') };
    await expectRefusal({ method: 'POST', path: '/api/v1/tasks', body: task }, 404, 'not_found', /configuration/);
    const post = { method: 'POST', path: '/api/v1/tasks' };
    await expectRefusal({ ...post, body: { workspace_id: 'none', task_type: 'plan' } }, 404, 'not_found', /none/);
  });

  test('paths and methods that are not offered', async () => {
    await expectRefusal({ path: '/api/v1/nothing-here' }, 404, 'not_found', /nothing-here/);
    await expectRefusal({ path: '/somewhere/else' }, 404, 'not_found', /somewhere/);
    await expectRefusal({ method: 'DELETE', path: '/api/v1/tasks' }, 405, 'method_not_allowed', /DELETE.*GET/);
    await expectRefusal(
      { method: 'PATCH', path: `/api/v1/workspaces/${workspace.name}` },
      405,
      'method_not_allowed',
      /PATCH/,
    );
    const answer = await ask(server, { method: 'PUT', path: '/api/v1/workspaces' });
    expect(answer.headers.allow).toContain('POST');
  });

  test('credentials that are missing, malformed, wrong, or of the wrong kind', async () => {
    const { pool, token } = await createPool(server);
    for (const bad of [null, '', 'nonsense', 'gct_nonsense', `${server.token}x`, server.token.slice(0, -1), token])
      await expectRefusal({ path: '/api/v1/workspaces', token: bad }, 401, 'unauthenticated', /token|credential/i);
    await expectRefusal(
      { path: '/api/v1/workspaces', token: null, headers: { authorization: 'Basic eDp5' } },
      401,
      'unauthenticated',
      /Bearer|token/,
    );
    // A token that is good elsewhere is no key here, in neither direction.
    await expectRefusal({ method: 'POST', path: '/api/v1/tasks/pull', body: {} }, 401, 'unauthenticated', /agent/i);
    const register = { name: 'x', agent_id: 'x-1' };
    await expectRefusal(
      { method: 'POST', path: '/api/v1/agents/register', body: register },
      401,
      'unauthenticated',
      /token|agt_|apt_/,
    );
    await expectRefusal(
      { path: `/api/v1/agents/tasks/${newId('task')}/data` },
      401,
      'unauthenticated',
      /attempt|token/i,
    );
    expect(pool.agent_ids).toEqual([]);
  });

  test('what a role may not do is refused and names the permission', async () => {
    const viewer = await server.client.call('createUser', { body: { name: 'viewer', role: 'viewer' } });
    const { token } = await server.client.call('createToken', { body: { name: 'v', user_id: viewer.id } });
    await expectRefusal(
      { method: 'POST', path: '/api/v1/workspaces', body: { name: 'x' }, token },
      403,
      'forbidden',
      /workspace:write/,
    );
    const task = { workspace_id: workspace.workspace_id, task_type: 'plan' };
    await expectRefusal({ method: 'POST', path: '/api/v1/tasks', body: task, token }, 403, 'forbidden', /task:plan/);
    expect((await ask(server, { path: '/api/v1/workspaces', token })).status).toBe(200);
  });

  test('things that contradict each other', async () => {
    const post = { method: 'POST', path: '/api/v1/tasks' };
    const task = { workspace_id: workspace.workspace_id, task_type: 'plan' };
    await expectRefusal(
      { method: 'POST', path: '/api/v1/workspaces', body: { name: workspace.name } },
      409,
      'name_taken',
      /workspace.*name/,
    );
    await expectRefusal(
      { ...post, body: { ...task, destroy: true, refresh_only: true } },
      400,
      'invalid_request',
      /destroy|refresh_only/,
    );
    await expectRefusal({ ...post, body: { ...task, targets: ['-destroy'] } }, 400, 'invalid_request', /targets/);
    await expectRefusal({ ...post, body: { ...task, parallelism: 0 } }, 400, 'invalid_request', /parallelism/);
    await expectRefusal({ ...post, body: { ...task, task_type: 'destroy' } }, 400, 'invalid_request', /task_type/);
    const empty = await createWorkspace(server);
    await expectRefusal(
      { ...post, body: { workspace_id: empty.name, task_type: 'plan' } },
      409,
      'conflict',
      /configuration/,
    );
    const variables = { method: 'POST', path: `/api/v1/workspaces/${workspace.name}/variables` };
    await expectRefusal({ ...variables, body: { key: 'a b', value: '' } }, 400, 'invalid_request', /key/);
    await expectRefusal(
      { ...variables, body: { key: 'A', value: 'x', category: 'env', hcl: true } },
      400,
      'invalid_request',
      /hcl|HCL/,
    );
    await expectRefusal(
      { ...variables, body: { key: 'A', value: 'x'.repeat(100_001), category: 'env' } },
      400,
      'invalid_request',
      /value/,
    );
    await expectRefusal({ path: '/api/v1/workspaces?limit=0' }, 400, 'invalid_request', /limit/);
    await expectRefusal({ path: '/api/v1/workspaces?limit=x' }, 400, 'invalid_request', /limit/);
    await expectRefusal({ path: '/api/v1/workspaces?cursor=nonsense%00' }, 400, 'invalid_request', /cursor/);
  });

  test('what is not even HTTP, and an upgrade to nowhere', async () => {
    const { hostname, port } = new URL(server.url);
    const say = (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(Number(port), hostname, () => socket.write(text));
        let heard = '';
        socket.on('data', (chunk) => {
          heard += chunk;
          socket.end();
        });
        socket.on('close', () => resolve(heard));
        socket.on('error', reject);
      });
    expect(await say('\u0016\u0003\u0001 hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await say('GET / HTTP/1.1\r\nhost: x\r\ncontent-length: abc\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    const upgrade = (path: string) =>
      `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${'A'.repeat(22)}==\r\n\r\n`;
    expect(await say(upgrade('/ws/nowhere'))).toMatch(/^HTTP\/1\.1 404 /);
    expect(await say(upgrade('/ws/events'))).toMatch(/^HTTP\/1\.1 401 /);
    expect(await say(upgrade('/ws/logs?task_id=nonsense'))).toMatch(/^HTTP\/1\.1 40[01] /);
  });
});
