import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { cut, replyJson, replyRefusal, startFakeServer } from './fake-server-for-tests.ts';
import { createClient, createFetchTransport } from './index.ts';

const info = { name: 'groundcrew', version: '0.1.0', features: [] };

it('carries calls, refusals and raw answers over fetch', async () => {
  const server = await startFakeServer(
    replyJson(info),
    replyRefusal(404, 'not_found'),
    (response) => void response.end('bytes'),
    cut,
  );
  const client = createClient({ baseUrl: server.url, transport: createFetchTransport(), retry: { tries: 1 } });
  expect(await client.call('getInfo')).toEqual(info);
  await expect(client.call('getMe')).rejects.toMatchObject({ name: 'ApiError', code: 'not_found' });
  const answer = await client.call('downloadState', { params: { workspace_id: 'w' } });
  expect(new TextDecoder().decode(await answer.bytes())).toBe('bytes');
  await expect(client.call('getInfo')).rejects.toMatchObject({ name: 'ConnectionError' });
  await expect(client.call('getInfo', {}, { timeoutMs: 1 })).rejects.toThrow();
  expect(() => client.socket({ path: '/ws/logs', parse: String, onMessage: () => {} })).toThrow(/without a way/);
  await server.close();
});

it('and everything else of the core needs nothing of Node', async () => {
  const entry = fileURLToPath(new URL('./index.ts', import.meta.url));
  // A browser build fails on the first import of a Node module.
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
  });
  expect(outputFiles[0]?.text).toContain('createFetchTransport');
});
