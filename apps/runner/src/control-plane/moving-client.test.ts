import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createNodeClient } from '@groundcrew/client/node';
import { afterEach, expect, it } from 'vitest';
import { createMovingClient } from './moving-client.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server that answers every call with its name, or never does. */
async function serve(name: string | undefined): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    if (name !== undefined) response.setHeader('content-type', 'application/json').end(JSON.stringify({ name }));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
}

const connect = (baseUrl: string) => createNodeClient({ baseUrl });

it('asks again at the new address what was under way at the old one', async () => {
  const [silent, answering] = [await serve(undefined), await serve('new')];
  const { client, moveTo } = createMovingClient(silent.url, connect);
  const answer = client.call('getInfo', {}, { retry: 'until_answered' });
  await expect.poll(silent.asked).toBe(1);
  moveTo(answering.url);
  expect(await answer).toMatchObject({ name: 'new' });
  expect(client.baseUrl).toBe(answering.url);
  client.close();
});

it('stays where it is when it is told the same address', async () => {
  const { url, asked } = await serve('same');
  const { client, moveTo } = createMovingClient(url, connect);
  const answer = client.call('getInfo', {}, { retry: 'never' });
  moveTo(url);
  expect(await answer).toMatchObject({ name: 'same' });
  expect(asked()).toBe(1);
  client.close();
});

it('gives a refusal and an abort of the caller’s back as they are', async () => {
  const silent = await serve(undefined);
  const { client, moveTo } = createMovingClient(silent.url, connect);
  const given = new AbortController();
  const answer = client.call('getInfo', {}, { retry: 'until_answered', signal: given.signal });
  const refused = expect(answer).rejects.toThrow('enough');
  await expect.poll(silent.asked).toBe(1);
  given.abort(new Error('enough'));
  moveTo('http://127.0.0.1:1');
  await refused;
  client.close();
});
