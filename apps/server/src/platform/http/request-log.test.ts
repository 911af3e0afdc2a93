import { createLogger } from '@groundcrew/kit';
import { expect, test } from 'vitest';
import { createTestHttp, WORKSPACE } from './http-for-tests.ts';
import { addRequestLog, createRequestScope } from './request-log.ts';

interface Line {
  request_id?: string;
  msg: string;
  [key: string]: unknown;
}

test('every line of a request has its id, which is the one of the answer, also when many are answered at once', async () => {
  const lines: Line[] = [];
  const scope = createRequestScope();
  const logger = createLogger({
    name: 'test',
    level: 'debug',
    destination: { write: (text) => void lines.push(JSON.parse(text)) },
    context: scope.fields,
  });
  const http = createTestHttp({
    logger,
    routes: {
      getWorkspace: async ({ params }) => {
        logger.info(`before ${params.workspace_id}`);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
        logger.info(`after ${params.workspace_id}`);
        return WORKSPACE;
      },
      createWorkspace: async ({ body }) => {
        await new Promise((resolve) => setImmediate(resolve));
        logger.info(`made ${body.name}`);
        if (body.name === 'faulty') throw new Error('a fault');
        return WORKSPACE;
      },
    },
  });
  addRequestLog(http.app, scope, logger);
  const url = await http.listen({ host: '127.0.0.1', port: 0 });
  const idOf = (answer: Response): string => answer.headers.get('x-request-id') ?? '';
  const linesOf = (msg: string) => lines.filter((line) => line.msg === msg).map(({ request_id }) => request_id);

  const names = Array.from({ length: 20 }, (_, n) => `workspace-${n}`);
  const read = names.map((name) =>
    fetch(`${url}/api/v1/workspaces/${name}`, { headers: { authorization: 'Bearer reader' } }),
  );
  const make = [...names, 'faulty'].map((name) =>
    fetch(`${url}/api/v1/workspaces`, {
      method: 'POST',
      headers: { authorization: 'Bearer writer', 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    }),
  );
  const [got, made] = [await Promise.all(read), await Promise.all(make)];
  for (const [n, name] of names.entries()) {
    const [reading, making] = [idOf(got[n] as Response), idOf(made[n] as Response)];
    expect([linesOf(`before ${name}`), linesOf(`after ${name}`), linesOf(`made ${name}`)]).toEqual([
      [reading],
      [reading],
      [making],
    ]);
  }
  const faulty = made.at(-1) as Response;
  const { request_id } = (await faulty.json()) as { request_id: string };
  expect([faulty.status, request_id, linesOf('made faulty')]).toEqual([500, idOf(faulty), [request_id]]);
  expect(linesOf('a request failed')).toEqual([request_id]);

  await http.close();
  const answered = lines.filter(({ msg }) => msg === 'answered');
  expect(answered).toHaveLength(41);
  expect(answered.find((line) => line.request_id === request_id)).toMatchObject({
    method: 'POST',
    route: '/api/v1/workspaces',
    status: 500,
  });
  logger.info('afterwards');
  expect(linesOf('afterwards')).toEqual([undefined]);
});
