import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger, systemClock, systemRandom } from '@groundcrew/kit';
import { openLogStream } from './index.ts';
import { appendOverHttp } from './log-server-for-tests.ts';

// A runner reduced to its log: sends the raw file of a folder until a file named `written` says that the writer is dead.
// Usage: node follower-child-for-tests.ts <folder> <server url> <a secret that becomes known on the way>

const [folder = '', url = '', late = ''] = process.argv.slice(2);
const stream = await openLogStream({
  phase: 'apply',
  rawPath: join(folder, 'raw'),
  folder: join(folder, 'spool'),
  secrets: JSON.parse(await readFile(join(folder, 'secrets.json'), 'utf8')),
  append: appendOverHttp(url),
  pace: { quietIntervalMs: 20 },
  clock: systemClock,
  random: systemRandom,
  logger: createLogger({ name: 'follower', level: 'error' }),
});

async function untilWritten(): Promise<void> {
  for (;;) {
    const isWritten = await access(join(folder, 'written')).then(
      () => true,
      () => false,
    );
    if (isWritten) return;
    await systemClock.sleep(20);
  }
}

await systemClock.sleep(30);
await stream.addSecrets([{ name: 'late', value: late }]);
await untilWritten();
stream.finish();
process.stdout.write(JSON.stringify(await stream.delivered()));
