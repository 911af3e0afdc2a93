import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, sha256Hex, systemClock, systemRandom } from '@groundcrew/kit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LogStream, openLogStream } from './index.ts';
import { appendOverHttp, type LogServer, startLogServer } from './log-server-for-tests.ts';
import { LogLostError } from './sender.ts';
import { SpoolJournal } from './spool-journal.ts';

const MiB = 1024 ** 2;
let folder: string;
let rawPath: string;
let server: LogServer;
const opened: LogStream[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gc-spool-'));
  rawPath = join(folder, 'raw');
  server = await startLogServer();
});

afterEach(async () => {
  for (const stream of opened.splice(0)) await stream.stop();
  await server.close();
  await rm(folder, { recursive: true });
});

async function open(maxUnsentBytes: number): Promise<LogStream> {
  const stream = await openLogStream({
    phase: 'apply',
    rawPath,
    folder: join(folder, 'spool'),
    secrets: [{ name: 'password', value: 'hunter2' }],
    append: appendOverHttp(server.url),
    limits: { maxUnsentBytes, checkEveryMs: 20 },
    clock: systemClock,
    random: systemRandom,
    logger: createLogger({ name: 'test', level: 'silent' }),
  });
  opened.push(stream);
  return stream;
}

const journal = async () =>
  SpoolJournal.parse(JSON.parse(await readFile(join(folder, 'spool', 'journal.json'), 'utf8')));

it('drops a part of what the server does not take, says so, and keeps head and tail', async () => {
  server.fault = () => ({ status: 503 });
  const first = await open(12 * MiB);
  const lines = Array.from({ length: 30 * 1024 }, (_, i) => `${i} hunter2 `.padEnd(1023, '.'));
  for (let i = 0; i < lines.length; i += 1024) await appendFile(rawPath, `${lines.slice(i, i + 1024).join('\n')}\n`);
  while (30 * MiB - ((await journal()).drops.at(-1)?.to ?? 0) > 12 * MiB) await systemClock.sleep(20);
  while ((await stat(rawPath)).blocks * 512 > 16 * MiB) await systemClock.sleep(20);
  await first.stop();
  server.fault = undefined;
  const second = await open(12 * MiB);
  second.finish();
  const end = await second.delivered();
  const shown = server.stored().toString();
  const [head = '', notice = '', tail = ''] = shown.split(/^(\[Groundcrew .*\]\n)/m);
  const [{ from = 0, to = 0 } = {}, ...more] = (await journal()).drops;
  expect(more).toEqual([]);
  expect(notice).toContain(` ${to - from} bytes `);
  const raw = Buffer.from(`${lines.join('\n')}\n`);
  const masked = (text: Buffer) => text.toString().replaceAll('hunter2', '[MASKED]');
  expect(head).toBe(`${masked(raw.subarray(0, from))}\n`);
  expect(tail).toBe(masked(raw.subarray(to)));
  expect(end).toEqual({ length: shown.length, checksum: sha256Hex(shown) });
});

it('ends with a sentence when the server forgets what is gone from the disk', async () => {
  const stream = await open(100 * MiB);
  const lines = `${'a line of output\n'.repeat(60_000)}`;
  for (let i = 0; i < 30; i++) await appendFile(rawPath, lines);
  while ((await stat(rawPath)).blocks * 512 > 20 * MiB) await systemClock.sleep(20);
  server.forget(1000);
  await appendFile(rawPath, 'more\n');
  stream.finish();
  await expect(stream.delivered()).rejects.toThrow(LogLostError);
  const shown = `${lines.repeat(30)}more\n`;
  expect(await stream.measure()).toEqual({ length: shown.length, checksum: sha256Hex(shown) });
});
