import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, sha256Hex, systemClock, systemRandom } from '@groundcrew/kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LogStream, openLogStream } from './index.ts';
import { appendOverHttp, type LogServer, startLogServer } from './log-server-for-tests.ts';
import type { LogStreamOptions } from './stream-options.ts';

let folder: string;
let rawPath: string;
let server: LogServer;
let opened: LogStream[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gc-spool-'));
  rawPath = join(folder, 'raw');
  server = await startLogServer();
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((stream) => stream.stop()));
  await server.close();
  await rm(folder, { recursive: true });
});

async function open(options: Partial<LogStreamOptions> = {}): Promise<LogStream> {
  const stream = await openLogStream({
    phase: 'apply',
    rawPath,
    folder: join(folder, 'spool'),
    secrets: [{ name: 'password', value: 'hunter2' }],
    append: appendOverHttp(server.url),
    pace: { quietIntervalMs: 30 },
    clock: systemClock,
    random: systemRandom,
    logger: createLogger({ name: 'test', level: 'silent' }),
    ...options,
  });
  opened.push(stream);
  return stream;
}

/** Waits for something that must come. */
async function untilTrue(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(5);
}
const until = (isSo: () => boolean) => untilTrue(async () => isSo());

const shown = () => server.stored().toString();

describe('a log', () => {
  it('arrives masked, with its length and checksum', async () => {
    const stream = await open();
    await appendFile(rawPath, 'one hunter2\ntwo ');
    await until(() => shown() === 'one [MASKED]\ntwo ');
    await appendFile(rawPath, 'hunter');
    await appendFile(rawPath, '2\nend');
    stream.finish();
    const text = 'one [MASKED]\ntwo [MASKED]\nend';
    const end = { length: text.length, checksum: sha256Hex(text) };
    expect(await stream.measure()).toEqual(end);
    expect(await stream.delivered()).toEqual(end);
    expect(shown()).toBe(text);
  });

  it('without a byte is a log too', async () => {
    const stream = await open();
    stream.finish();
    expect(await stream.delivered()).toEqual({ length: 0, checksum: sha256Hex('') });
  });

  it('can be measured while the server is away', async () => {
    server.fault = () => 'drop';
    const stream = await open();
    await writeFile(rawPath, 'line hunter2\n'.repeat(300_000));
    stream.finish();
    const text = 'line [MASKED]\n'.repeat(300_000);
    expect(await stream.measure()).toEqual({ length: text.length, checksum: sha256Hex(text) });
    expect(shown()).toBe('');
  });

  it('carries the time at which it was written, through an outage and a successor', async () => {
    server.fault = () => ({ status: 503 });
    const before = Date.now();
    let passedMs = 0;
    const clock = { ...systemClock, now: () => Date.now() + passedMs };
    let seen = '';
    const watching = {
      push(chunk: Buffer) {
        seen += chunk;
      },
      end: () => {},
      snapshot: () => ({ offset: 0 }),
    };
    const first = await open({ clock, createTap: () => watching });
    for (const line of ['early\n', 'later\n', 'last\n']) {
      await appendFile(rawPath, line);
      await until(() => seen.endsWith(line));
      passedMs += 60_000;
    }
    const times = () => readFile(join(folder, 'spool', 'times'), 'latin1').catch(() => '');
    await untilTrue(async () => (await times()).split('\n').length === 3);
    await first.stop();
    server.fault = undefined;
    const refused = server.chunks.length;
    const second = await open({ clock });
    second.finish();
    await second.delivered();
    const sent = server.chunks.slice(refused).map((chunk) => ({
      text: chunk.bytes.toString(),
      minute: Math.floor((Date.parse(chunk.written_at) - before) / 60_000),
    }));
    expect(sent.slice(0, 2)).toEqual([
      { text: 'early\n', minute: 0 },
      { text: 'later\n', minute: 1 },
    ]);
  });
});

describe('sends', () => {
  it('at once what comes after a pause while somebody watches, and gathers otherwise', async () => {
    const stream = await open({ pace: { quietIntervalMs: 60_000, watchedIntervalMs: 50 } });
    await appendFile(rawPath, 'unseen\n');
    await systemClock.sleep(400);
    expect(server.chunks).toEqual([]);
    stream.setWatched(true);
    await until(() => shown() === 'unseen\n');
    await systemClock.sleep(200);
    await appendFile(rawPath, 'seen\n');
    await until(() => shown().endsWith('\nseen\n'));
    stream.setIntervalMs(60_000);
    await appendFile(rawPath, 'unseen again\n');
    await systemClock.sleep(400);
    expect(shown()).not.toContain('again');
  });

  it('at the interval the server asks for', async () => {
    server.fault = (chunk, stored) =>
      stored === 0 ? { status: 200, body: { next_offset: chunk.bytes.length, log_interval_ms: 20 } } : undefined;
    await open({ pace: { quietIntervalMs: 60_000, batchBytes: 5 } });
    await appendFile(rawPath, 'first\n');
    await until(() => server.chunks.length === 1);
    server.fault = undefined;
    await appendFile(rawPath, 'x');
    await until(() => server.chunks.length > 1);
  });

  it('big batches at once, compressed, and one request at a time', async () => {
    let underWay = 0;
    let most = 0;
    const append = appendOverHttp(server.url);
    const stream = await open({
      pace: { quietIntervalMs: 60_000 },
      async append(chunk, signal) {
        most = Math.max(most, ++underWay);
        return append(chunk, signal).finally(() => {
          underWay -= 1;
        });
      },
    });
    await writeFile(rawPath, 'a line of output\n'.repeat(200_000));
    await until(() => server.chunks.length >= 3);
    expect(server.chunks[0]?.encoding).toBe('gzip');
    stream.finish();
    await stream.delivered();
    expect(most).toBe(1);
    expect(shown()).toBe('a line of output\n'.repeat(200_000));
  });
});

describe('whatever the server does, every byte arrives once', () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} hunter2\n`).join('');
  const expected = lines.replaceAll('hunter2', '[MASKED]');
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  const rarely = (n: number) => {
    let count = 0;
    return () => ++count % n === 0;
  };

  it.each<[string, () => LogServer['fault']]>([
    ['refuses', () => (_, stored) => (stored < 10_000 && random() < 0.7 ? { status: 503 } : undefined)],
    [
      'says fenced',
      () => {
        const sometimes = rarely(3);
        return () => (sometimes() ? undefined : { status: 409, body: { code: 1 } });
      },
    ],
    ['breaks connections', () => () => (random() < 0.4 ? 'drop' : undefined)],
    ['stores without an answer', () => () => (random() < 0.4 ? 'answer lost' : undefined)],
    ['finds damage', () => () => (random() < 0.4 ? { status: 422 } : undefined)],
    [
      'claims nonsense',
      () => {
        const answers = [{ next_offset: -5 }, { next_offset: 'many' }, {}, { next_offset: 1.5 }];
        let i = 0;
        return () => (i < answers.length ? { status: 200, body: answers[i++] ?? {} } : undefined);
      },
    ],
    [
      'claims a hole',
      () => {
        let isFirst = true;
        return (_, stored) => {
          const lies = stored > 0 && isFirst;
          if (lies) isFirst = false;
          return lies ? { status: 409, body: { next_offset: 17 } } : undefined;
        };
      },
    ],
  ])('it %s', async (_, makeFault) => {
    server.fault = makeFault();
    const stream = await open({ pace: { quietIntervalMs: 1, batchBytes: 1 }, random: () => 0 });
    for (let at = 0; at < lines.length; at += 50_000) {
      await appendFile(rawPath, lines.slice(at, at + 50_000));
      await systemClock.sleep(10);
    }
    stream.finish();
    const nudging = setInterval(() => stream.wake(), 20);
    const end = await stream.delivered();
    clearInterval(nudging);
    expect(shown()).toBe(expected);
    expect(end).toEqual({ length: expected.length, checksum: sha256Hex(expected) });
  });

  it('it forgets what it had acknowledged', async () => {
    const stream = await open({ pace: { quietIntervalMs: 1 } });
    await writeFile(rawPath, lines);
    await until(() => shown().length === expected.length);
    server.forget(1234);
    await appendFile(rawPath, 'more\n');
    stream.finish();
    await stream.delivered();
    expect(shown()).toBe(`${expected}more\n`);
  });

  it('it has other bytes than ours: its own stay, ours go on behind them', async () => {
    server.forget(0, 'FIR');
    const stream = await open({ pace: { quietIntervalMs: 1 } });
    await appendFile(rawPath, 'first\n');
    stream.finish();
    expect(await stream.delivered()).toEqual({ length: 6, checksum: sha256Hex('first\n') });
    expect(shown()).toBe('FIRst\n');
  });

  it('it does not answer at all', async () => {
    server.fault = () => 'hang';
    const append = appendOverHttp(server.url);
    const stream = await open({
      append: (chunk, signal) => append(chunk, AbortSignal.any([signal, AbortSignal.timeout(100)])),
    });
    await appendFile(rawPath, 'patience\n');
    await until(() => server.chunks.length >= 2);
    server.fault = undefined;
    stream.wake();
    await until(() => shown() === 'patience\n');
  });
});

describe('pauses', () => {
  it('end when the server was heard of, but not when it asked for them', async () => {
    const stream = await open({ random: () => 0.99 });
    const nudging = setInterval(() => stream.wake(), 10);
    server.fault = () => ({ status: 503 });
    await appendFile(rawPath, 'one\n');
    const failingFrom = Date.now();
    // By themselves the pauses before these would take more than half a minute.
    await until(() => server.chunks.length >= 11);
    expect(Date.now() - failingFrom).toBeLessThan(20_000);

    server.fault = () => ({ status: 429, headers: { 'retry-after': '1' } });
    const count = server.chunks.length;
    await until(() => server.chunks.length >= count + 3);
    clearInterval(nudging);
    const [first, second] = server.chunks.slice(-2).map(({ receivedAt }) => receivedAt) as [number, number];
    expect(second - first).toBeGreaterThan(900);
  });
});

describe('secrets that become known later', () => {
  it('are masked in everything that is written from then on, also by a successor', async () => {
    const first = await open({ pace: { quietIntervalMs: 1 } });
    await appendFile(rawPath, 'swordfish\n');
    await until(() => shown() === 'swordfish\n');
    await first.addSecrets([
      { name: 'output', value: 'swordfish' },
      { name: 'short', value: 'abc' },
    ]);
    expect(first.unmaskable()).toEqual(['short']);
    await appendFile(rawPath, 'swordfish\n');
    await until(() => shown() === 'swordfish\n[MASKED]\n');
    await first.stop();
    const second = await open({ pace: { quietIntervalMs: 1 } });
    await appendFile(rawPath, 'swordfish hunter2\n');
    second.finish();
    await second.delivered();
    expect(shown()).toBe('swordfish\n[MASKED]\n[MASKED] [MASKED]\n');
  });

  it('change nothing that a predecessor may have sent', async () => {
    const first = await open({ pace: { quietIntervalMs: 1 } });
    await appendFile(rawPath, 'swordfish\n');
    await until(() => shown() === 'swordfish\n');
    await first.stop();
    const second = await open({ secrets: [{ name: 'token', value: 'quicksand' }], pace: { quietIntervalMs: 1 } });
    await second.addSecrets([{ name: 'output', value: 'swordfish' }]);
    await appendFile(rawPath, 'swordfish quicksand hunter2\n');
    second.finish();
    const text = 'swordfish\n[MASKED] [MASKED] [MASKED]\n';
    expect(await second.delivered()).toEqual({ length: text.length, checksum: sha256Hex(text) });
    expect(shown()).toBe(text);
  });

  it('are refused when the log may be measured already', async () => {
    const stream = await open();
    stream.finish();
    await expect(stream.addSecrets([{ name: 'late', value: 'swordfish' }])).rejects.toThrow(/no more secrets/);
  });

  it('make a damaged journal an error that shows none of them', async () => {
    const stream = await open();
    await stream.stop();
    await truncate(join(folder, 'spool', 'journal.json'), 60);
    await expect(open()).rejects.toThrow(/journal .* is damaged/);
    await expect(open()).rejects.not.toThrow(/hunter2/);
  });
});
