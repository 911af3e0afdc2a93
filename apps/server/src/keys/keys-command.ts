import { parseArgs } from 'node:util';
import { createLogger } from '@groundcrew/kit';
import { readConfiguration } from '../configuration.ts';
import { listKeys } from './list-keys.ts';
import { type OpenKeys, openKeys } from './open-keys.ts';
import { rewrapKeys } from './rewrap-keys.ts';
import { rotateKeys } from './rotate-keys.ts';
import { createTalk } from './talk.ts';

const COMMANDS = ['list', 'rotate', 'rewrap'] as const;

/** `groundcrew server keys …`, in the server's own program because it needs what the server has: database and master key. */
export async function runKeysCommand(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
      organization: { type: 'string' },
      'no-wait': { type: 'boolean', default: false },
      new: { type: 'boolean', default: false },
      'forget-old': { type: 'boolean', default: false },
    },
  });
  const command = COMMANDS.find((name) => name === positionals[0]);
  if (command === undefined) throw new Error(`Say what to do with the keys: ${COMMANDS.join(', ')}.`);
  const file = values.config ?? env.GROUNDCREW_CONFIG;
  const configuration = readConfiguration(env, file);
  const readMasterKey = () => readConfiguration(env, file).master_key;
  const talk = createTalk(values.json);
  const logger = createLogger({ name: 'keys', level: 'warn' });
  const keys = await openKeys({ configuration, readMasterKey, logger, exclusive: command !== 'list' });
  try {
    await run(keys);
  } finally {
    await keys.close();
  }
  return 0;

  function run(open: OpenKeys): Promise<void> {
    if (command === 'list') return listKeys(open, talk);
    if (command === 'rotate')
      return rotateKeys(open, talk, { organization: values.organization, wait: !values['no-wait'] });
    const inHome = configuration.master_key === undefined;
    return rewrapKeys(open, talk, { addNew: values.new, forgetOld: values['forget-old'], inHome });
  }
}
