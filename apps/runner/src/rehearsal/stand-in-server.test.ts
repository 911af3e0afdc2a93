import { request } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { openStandInServer } from './stand-in-server.ts';

it('outlives a request that breaks off: the runner that it lives in has an attempt by then', async () => {
  const server = await openStandInServer();
  onTestFinished(server.close);
  const broken = request(`${server.url}/api/v1/agents/tasks/task-rehearsal/plan-file`, { method: 'PUT' });
  broken.on('error', () => {});
  broken.write('half of it');
  await new Promise((resolve) => broken.once('socket', (socket) => socket.once('connect', resolve)));
  broken.destroy();
  // A rejection that nobody hears ends a process, and fails this test.
  const answer = await fetch(`${server.url}/api/v1/agents/tasks/task-rehearsal/data`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ task: { id: 'task-rehearsal' } });
});
