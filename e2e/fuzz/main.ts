import { parseArgs } from 'node:util';
import { createLab } from '../harness/index.ts';
import { startFuzzedServer } from './fuzzed-server.ts';
import { formatFigures, fuzz } from './run.ts';

const HELP = `npm run fuzz -- [options]

Starts a server of its own and sends it requests made from docs/openapi.json, most of them bent in one way or another. Ends at
the first answer that the document does not allow, with the smallest requests that bring it about, as curl commands. The last two
lines have the figures and the calls by their best answer; exit code 1 when anything was found.

  --requests N   how many; default 20000
  --seed S       fixes them; default another one each time, which is printed
  --json         the report as one JSON object on the last line`;

function parseNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} takes a whole number above 0; "${text}" is none.`);
}

const { values: flags } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(1 + (Date.now() % 1_000_000)) },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function run(): Promise<void> {
  const [requests, seed] = [parseNumber('requests', flags.requests), parseNumber('seed', flags.seed)];
  process.stderr.write(`seed ${seed}\n`);
  const lab = await createLab();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void lab.close().finally(() => process.exit(130)));
  try {
    const fuzzed = await startFuzzedServer(lab);
    const report = await fuzz(fuzzed, { requests, seed, say: (line) => process.stderr.write(`${line}\n`) });
    if (!flags.json) for (const failure of report.failures) console.log(failure);
    console.log(flags.json ? JSON.stringify(report) : formatFigures(report));
    process.exitCode = report.failures.length === 0 ? 0 : 1;
  } finally {
    await lab.close();
  }
}

if (flags.help) console.log(HELP);
else await run();
