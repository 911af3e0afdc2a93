import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LiveServer, makeCrew, startLiveServer, type TestAgent } from '../tasks/live-server-for-tests.ts';
import { listStillSignedOn, type SignedOn } from './credentials-store.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await startLiveServer();
});
afterAll(() => server.close());

const find = async ({ token }: TestAgent): Promise<SignedOn> => {
  const found = await server.modules.agents.signOn.findSignedOn(token);
  if (found === undefined) throw new Error('The agent is not signed on.');
  return found;
};

test('of many the ones that were revoked, removed or given another token are no longer signed on, and nobody else', async () => {
  const { agents } = await makeCrew(server, 4);
  const [stays, revoked, removed, other] = await Promise.all((agents as TestAgent[]).map(find));
  if (!stays || !revoked || !removed || !other) throw new Error('An agent is missing.');
  const all = [stays, revoked, removed, { ...other, via: 'another' }, { ...stays, id: revoked.id }, stays];
  expect(await listStillSignedOn(server.db, [stays, revoked, removed, other])).toEqual(new Set([0, 1, 2, 3]));
  await server.must('revokeAgentToken', server.owner, { params: { id: revoked.id } });
  await server.must('deleteAgent', server.owner, { params: { id: removed.id } });
  expect(await listStillSignedOn(server.db, all)).toEqual(new Set([0, 5]));
  const { isStillSignedOn } = server.modules.agents.signOn;
  expect(await Promise.all([stays, revoked, removed, stays].map(isStillSignedOn))).toEqual([true, false, false, true]);
});
