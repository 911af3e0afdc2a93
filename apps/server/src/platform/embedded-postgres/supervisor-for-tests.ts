// A process of its own that runs the database of a home: node supervisor-for-tests.ts <home> [package folder]
import { createLogger } from '@groundcrew/kit';
import { createEmbeddedPostgres } from './index.ts';

const [homeDir = '', packageFolder] = process.argv.slice(2);
const logger = createLogger({ name: 'postgres for tests', level: 'error' });
const postgres = createEmbeddedPostgres({ homeDir, logger, ...(packageFolder === undefined ? {} : { packageFolder }) });
process.once('SIGTERM', () => void postgres.stop().then(() => process.exit(0)));
try {
  process.stdout.write(`${JSON.stringify(await postgres.start())}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
