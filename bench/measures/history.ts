import { createNodeClient } from '@groundcrew/client/node';
import type { Client } from 'pg';
import { type Lab, openDatabase, type RunningServer } from '../../e2e/harness/index.ts';
import { createDispatchProbe } from '../history/dispatch-probe.ts';
import type { Amount } from '../history/fill.sql.ts';
import { fillHistory, settleDatabase } from '../history/fill.ts';
import { findLandmarks } from '../history/landmarks.ts';
import { listQuestions } from '../history/questions.ts';
import { createRow, type Row } from '../row.ts';
import { median, percentile } from '../statistics.ts';

/** Of the process that asks, of the route's first compilation, and of pages that are not in memory yet. */
const WARM_UP = 3;
const TARGET_MS = 50;

export interface HistoryFigures extends Amount {
  /** How often every question is asked. */
  asked: number;
  /** Dispatches timed on each of the two servers. */
  dispatched: number;
}

/**
 * A server with years of history, beside one that has none: how long its lists take, and whether giving work away takes longer. The
 * two are timed in turns, so that whatever else the machine does slows both alike.
 */
export async function measureHistory(lab: Lab, { asked, dispatched, ...amount }: HistoryFigures): Promise<Row[]> {
  const env = { GROUNDCREW_BUILT_IN_AGENT_ENABLED: 'false' };
  const [full, empty] = [await lab.startServer({ env }), await lab.startServer({ env })];
  try {
    const startedAt = performance.now();
    await withDatabase(full, async (database) => {
      await fillHistory(database, amount);
      await settleDatabase(database);
    });
    const filledMs = performance.now() - startedAt;
    const size = `${amount.tasks} tasks, ${amount.workspaces} workspaces`;
    return [
      createRow(`history of ${size}: written in`, filledMs / 1000, 's'),
      ...(await measureLists(full, asked)),
      ...(await measureDispatch(full, empty, dispatched)),
    ];
  } finally {
    await Promise.all([full.stop(), empty.stop()]);
  }
}

async function withDatabase<T>(server: RunningServer, use: (database: Client) => Promise<T>): Promise<T> {
  const database = await openDatabase(server.home);
  return use(database).finally(() => database.end());
}

/** A row per route: its slowest question. */
async function measureLists(server: RunningServer, asked: number): Promise<Row[]> {
  const questions = listQuestions(await withDatabase(server, findLandmarks));
  // Checking answers against their schemas would be our time, not the server's.
  const client = createNodeClient({ baseUrl: server.url, token: server.token });
  const slowest = new Map<string, { variant: string; ms: number; of: number }>();
  for (const { route, variant, ask } of questions) {
    const samples: number[] = [];
    for (let n = 0; n < asked + WARM_UP; n += 1) {
      const startedAt = performance.now();
      await ask(client, n);
      if (n >= WARM_UP) samples.push(performance.now() - startedAt);
    }
    const ms = percentile(samples, 0.95);
    if (process.env.BENCH_DETAIL === '1')
      process.stderr.write(
        `${ms.toFixed(1).padStart(9)} ms p95  ${median(samples).toFixed(1).padStart(8)} ms p50  ${route} ${variant}\n`,
      );
    const known = slowest.get(route) ?? { variant, ms, of: 0 };
    slowest.set(route, { ...(ms > known.ms ? { variant, ms } : known), of: known.of + 1 });
  }
  client.close();
  return [...slowest].map(([route, { variant, ms, of }]) =>
    createRow(`history: ${route}, p95${of > 1 ? ` of the slowest of ${of}` : ''}`, ms, 'ms', TARGET_MS, variant),
  );
}

async function measureDispatch(full: RunningServer, empty: RunningServer, times: number): Promise<Row[]> {
  const probes = [await createDispatchProbe(full), await createDispatchProbe(empty)] as const;
  const [filled, bare]: [number[], number[]] = [[], []];
  try {
    for (let n = 0; n < times + WARM_UP; n += 1) {
      const [one, other] = [await probes[0].time(), await probes[1].time()];
      if (n < WARM_UP) continue;
      filled.push(one);
      bare.push(other);
    }
  } finally {
    for (const probe of probes) probe.close();
  }
  return [
    createRow(
      'history: POST task → offer on the socket, p50, against an empty database',
      median(filled) / median(bare),
      '×',
      1.2,
      `empty ${median(bare).toFixed(1)} ms`,
    ),
    createRow(
      'history: POST task → offer on the socket, p95',
      percentile(filled, 0.95),
      'ms',
      undefined,
      `empty ${percentile(bare, 0.95).toFixed(1)} ms`,
    ),
  ];
}
