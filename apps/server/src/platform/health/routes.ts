import type { FastifyInstance } from 'fastify';
import { answerProbe, PROBES } from './answer-probe.ts';
import type { Health } from './health.ts';

/** `/health/live`, `/health/ready` and `/health/startup`, for anybody: they tell nothing but how the server is. */
export function addHealthRoutes(app: FastifyInstance, health: Health): void {
  for (const path of PROBES)
    app.get(path, async (_request, reply) => {
      const { status, body } = await answerProbe(health, path);
      return reply.code(status).header('content-type', 'application/json; charset=utf-8').send(body);
    });
}
