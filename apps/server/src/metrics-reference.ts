// node apps/server/src/metrics-reference.ts --write | --check
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createLogger, writeFileDurably } from '@groundcrew/kit';
import { fastify } from 'fastify';
import { countChanges, createMetricsModule, renderReference } from './modules/metrics/index.ts';
import { addHttpMetrics, createPlatformMetrics, watchPlatform } from './platform/metrics/index.ts';

const PATH = fileURLToPath(new URL('../../../docs/monitoring.md', import.meta.url));
const BETWEEN =
  /(<!-- metrics: written by apps\/server\/src\/metrics-reference\.ts -->\n).*?(\n<!-- end of metrics -->)/s;

/** Every metric of a server, without one: they are told from their definitions, and nothing is measured. */
export function createRegistry() {
  const metrics = createPlatformMetrics('0.0.0');
  const { registry } = metrics;
  const db = undefined as never;
  watchPlatform(registry, { db, hub: undefined as never });
  addHttpMetrics(fastify(), registry);
  countChanges(registry, async () => {});
  createMetricsModule({
    db,
    registry,
    logger: createLogger({ name: 'reference', level: 'silent' }),
    home: '/',
    now: Date.now,
    suspectFrom: 3,
  });
  metrics.close();
  return registry;
}

async function makeText(committed: string): Promise<string> {
  if (!BETWEEN.test(committed)) throw new Error(`${PATH} has lost the marks between which the metrics stand.`);
  return committed.replace(
    BETWEEN,
    (_all, head: string, tail: string) => head + renderReference(createRegistry()) + tail,
  );
}

/** Whether docs/monitoring.md has every metric as it is defined. */
export async function isReferenceUpToDate(): Promise<boolean> {
  const committed = await readFile(PATH, 'utf8');
  return committed === (await makeText(committed));
}

async function write(): Promise<string> {
  await writeFileDurably(PATH, await makeText(await readFile(PATH, 'utf8')), 0o644);
  return `Wrote ${PATH}.`;
}

async function check(): Promise<string> {
  if (await isReferenceUpToDate()) return 'docs/monitoring.md has every metric as it is defined.';
  process.exitCode = 1;
  return 'docs/monitoring.md is behind. Run apps/server/src/metrics-reference.ts --write and commit the result.';
}

if (import.meta.main) {
  const action = { '--check': check, '--write': write }[process.argv[2] ?? ''];
  if (action === undefined) throw new Error('Say --write or --check.');
  process.stdout.write(`${await action()}\n`);
}
