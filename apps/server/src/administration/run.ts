import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { createLogger } from '@groundcrew/kit';
import { readConfiguration } from '../configuration.ts';
import type { AdministrationCommand } from './command.ts';
import { openAdministration } from './open-administration.ts';
import { ORGANISATION_COMMANDS } from './organisations.ts';
import { pruneAudit } from './prune-audit.ts';

const COMMANDS: Readonly<Record<string, AdministrationCommand>> = {
  ...ORGANISATION_COMMANDS,
  'audit prune': pruneAudit,
};

/** `groundcrew server org …` and `groundcrew server audit …`: what takes the database and the keys, and no right but those. */
export async function runCommand(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
      before: { type: 'string' },
      reason: { type: 'string' },
    },
  });
  const [noun, verb, name = ''] = positionals;
  const command = COMMANDS[`${noun} ${verb}`];
  if (command === undefined)
    throw new Error(`There is no command "${positionals.join(' ')}"; there are: ${Object.keys(COMMANDS).join(', ')}.`);
  const open = await openAdministration({
    configuration: readConfiguration(env, values.config ?? env.GROUNDCREW_CONFIG),
    logger: createLogger({ name: 'administration', level: 'warn' }),
    by: `server command of ${userInfo().username}`,
  });
  try {
    const { value, text } = await command(open, name, values);
    process.stdout.write(`${values.json ? JSON.stringify(value, null, 2) : text}\n`);
  } finally {
    await open.close();
  }
  return 0;
}
