import type { Health, Verdict } from './health.ts';

export const PROBES = ['/health/live', '/health/ready', '/health/startup'] as const;

/** An answer to a probe: 200, or 503 with the reason. */
export interface ProbeAnswer {
  status: 200 | 503;
  body: string;
}

export async function answerProbe(health: Health, path: (typeof PROBES)[number]): Promise<ProbeAnswer> {
  const { ok, ...told } = await ask(health, path);
  return { status: ok ? 200 : 503, body: JSON.stringify(told) };
}

async function ask(health: Health, path: (typeof PROBES)[number]): Promise<Verdict> {
  if (path === '/health/live') return health.live();
  return path === '/health/ready' ? health.ready() : health.startup();
}
