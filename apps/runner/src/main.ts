import { resolve } from 'node:path';
import { createLogger, systemClock, systemRandom } from '@groundcrew/kit';
import { attemptFolder } from './folder/index.ts';
import { runRunner } from './runner.ts';

// One attempt from permit to result. Started by the agent as `runner <folder>`, in a session of its own; lives on when the agent dies.

const VERSION = '0.1.0';
const [folder] = process.argv.slice(2);
const logger = createLogger({ name: 'runner' });
if (folder === undefined) {
  logger.fatal('usage: runner <folder of the attempt>');
  process.exit(64);
}
// Whoever stops a service or a session means the agent. The runner has its own ways to be told to stop: the lease and the link.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.on(signal, () => logger.info({ signal }, 'signal ignored; cancel the task to stop it'));

try {
  const end = await runRunner({
    folder: attemptFolder(resolve(folder)),
    version: VERSION,
    clock: systemClock,
    random: systemRandom,
    logger,
  });
  logger.info({ end }, 'leaving');
  process.exit(end === 'folder_taken' ? 75 : 0);
} catch (error) {
  logger.fatal({ err: error }, 'this runner cannot go on; what it left in its folder is for the next one');
  process.exit(70);
}
