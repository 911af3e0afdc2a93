import type { Lab } from '../../e2e/harness/index.ts';
import { createRow, type Row } from '../row.ts';
import { median } from '../statistics.ts';

/** From the start of the server's process until it takes requests: with an empty folder, and again on the same data. */
export async function measureReadiness(lab: Lab, rounds: number): Promise<Row[]> {
  const [cold, again]: [number[], number[]] = [[], []];
  for (let n = 0; n < rounds; n += 1) {
    const server = await lab.startServer();
    cold.push(server.readyAfterMs);
    await server.restart();
    again.push(server.readyAfterMs);
    await server.stop();
  }
  return [
    createRow('server ready, cold start with an empty folder', median(cold) / 1000, 's', 3),
    createRow('server ready, restart', median(again) / 1000, 's', 1),
  ];
}
