import { parseArgs } from 'node:util';
import { FAULT_KINDS, FAULT_NAMES } from './faults.ts';
import { SCENARIOS } from './scenarios/index.ts';

/** What the command line asks for. */
export type Options = { readonly kind: 'help'; readonly json: false } | ScenarioOptions | GeneralOptions;

export interface ScenarioOptions {
  readonly kind: 'scenario';
  readonly name: string;
  readonly cutMinutes: number;
  readonly json: boolean;
}

export interface GeneralOptions {
  readonly kind: 'general';
  readonly minutes: number;
  readonly faults: number;
  readonly seed: number;
  readonly databaseUrl: string | undefined;
  readonly json: boolean;
}

/** Between two faults, when nothing else is said. */
const GAP_SECONDS = 4;
const MAX_MINUTES = 24 * 60;

/** Throws a sentence for what cannot be understood. */
export function parseOptions(argv: readonly string[]): Options {
  const { values: flags } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '5' },
      faults: { type: 'string' },
      seed: { type: 'string' },
      scenario: { type: 'string' },
      'cut-minutes': { type: 'string', default: '10' },
      'database-url': { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { json, scenario } = flags;
  if (flags.help) return { kind: 'help', json: false };
  if (scenario !== undefined) {
    if (!Object.hasOwn(SCENARIOS, scenario))
      throw new Error(`There is no scenario "${scenario}"; there are ${Object.keys(SCENARIOS).join(', ')}.`);
    return {
      kind: 'scenario',
      name: scenario,
      cutMinutes: parseNumber('cut-minutes', flags['cut-minutes'], MAX_MINUTES),
      json,
    };
  }
  const minutes = parseNumber('minutes', flags.minutes, MAX_MINUTES);
  return {
    kind: 'general',
    minutes,
    faults: Math.ceil(parseNumber('faults', flags.faults ?? String((minutes * 60) / GAP_SECONDS), 1_000_000)),
    seed: flags.seed === undefined ? Date.now() % 1_000_000 : Math.floor(parseNumber('seed', flags.seed, 2 ** 32)),
    databaseUrl: flags['database-url'],
    json,
  };
}

function parseNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= most) return value;
  throw new Error(`--${name} takes a number above 0 and at most ${most}; "${text}" is none.`);
}

const list = (entries: readonly (readonly [string, string])[]): string =>
  entries.map(([name, doc]) => `  ${name.padEnd(18)} ${doc}`).join('\n');

export const HELP = `npm run chaos -- [options]

Runs server, PostgreSQL, agents, runners and Terraform on this machine, does harm to them while people work, and compares
what was really applied with states, logs and verdicts. Ends with one line of figures; exit code 1 on any violation.

  --minutes M        how long faults fall; default 5
  --faults N         how many; default one every ${GAP_SECONDS} seconds
  --seed S           fixes which faults fall when and on whom; default another one each time, which is printed
  --database-url U   an empty database of a PostgreSQL of yours, which is left running; default one of the server's own
  --json             the report as one JSON object on standard output; progress goes to standard error in any case
  --scenario NAME    one situation with the default figures of leases, in place of the general run
  --cut-minutes M    length of the cut in the scenario "cut"; default 10

Scenarios:
${list(Object.entries(SCENARIOS).map(([name, { doc }]) => [name, doc]))}

Faults of the general run:
${list(FAULT_NAMES.map((name) => [name, FAULT_KINDS[name].doc]))}`;
