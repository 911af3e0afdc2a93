import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sha256Hex, systemClock } from '@groundcrew/kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compilePatterns, createMasker, type Secret } from '../mask/index.ts';
import { type LogServer, startLogServer } from './log-server-for-tests.ts';
import { SpoolJournal } from './spool-journal.ts';

const CHILD = join(import.meta.dirname, 'follower-child-for-tests.ts');
const KEY = Array.from({ length: 20 }, (_, i) => `${i}AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/${i * i}`).join('\n');
const SECRETS: Secret[] = [
  { name: 'password', value: 'hunter2' },
  { name: 'phrase', value: 'correct horse battery staple' },
  { name: 'key', value: KEY },
];

/** They stand in the output, and become known one after the other. */
const LATE = ['Creation', 'complete after 3', 'the password', 'terraform_data'];

let folder: string;
let server: LogServer;
let children: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gc-spool-'));
  await writeFile(join(folder, 'secrets.json'), JSON.stringify(SECRETS));
  server = await startLogServer();
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await server.close();
  await rm(folder, { recursive: true });
});

function startFollower(late = 'nothing'): ChildProcess {
  const child = spawn(process.execPath, [CHILD, folder, server.url, late], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const LINES: readonly ((roll: (below: number) => number) => string)[] = [
  (roll) => `module.a[${roll(99)}].terraform_data.x: Creation complete after ${roll(60)}s [id=${roll(1e9)}]\n`,
  () => 'the password is hunter2, in base64 aHVudGVyMg==\n',
  () => '\x1b[31m│\x1b[0m \x1b[0mcorrect\n\x1b[31m│\x1b[0m \x1b[0mhorse battery\n   staple\n',
  () => `${KEY}\n`,
  (roll) => `${'x'.repeat(roll(20_000))} hunt`,
  (roll) => `${Buffer.from(KEY).toString('base64').slice(roll(40))}\n`,
  () => '\xff\xfe\0binary hunter2\n',
];

function makeOutput(seed: number, bytes: number): Buffer {
  const roll = dice(seed);
  const lines: Buffer[] = [];
  for (let length = 0; length < bytes; length += lines.at(-1)?.length ?? 0) {
    const line = LINES[Math.max(0, roll(LINES.length * 40) - LINES.length * 39)] as (typeof LINES)[number];
    lines.push(Buffer.from(line(roll), 'latin1'));
  }
  return Buffer.concat(lines);
}

/** What some runner learned on the way holds from where the journal says. */
async function mask(raw: Buffer): Promise<Buffer> {
  const { sets } = SpoolJournal.parse(JSON.parse(await readFile(join(folder, 'spool', 'journal.json'), 'utf8')));
  expect(sets[0]).toEqual({ fromOffset: 0, secrets: SECRETS });
  const masker = createMasker({ patterns: compilePatterns(sets) });
  return Buffer.concat([masker.push(raw), masker.end()]);
}

/** Another process appends the output to the raw file, as fast as it can, in pieces of odd sizes. */
async function write(output: Buffer, pieceBytes: number): Promise<void> {
  await writeFile(join(folder, 'output'), output);
  const options = { highWaterMark: pieceBytes };
  await pipeline(
    createReadStream(join(folder, 'output'), options),
    createWriteStream(join(folder, 'raw'), { flags: 'a' }),
  );
  await writeFile(join(folder, 'written'), '');
}

async function resultOf(child: ChildProcess): Promise<unknown> {
  const parts: Buffer[] = [];
  child.stdout?.on('data', (part) => parts.push(part));
  await once(child, 'close');
  return JSON.parse(Buffer.concat(parts).toString());
}

/** Bytes of the raw file that have been given back to the disk. */
async function holes(): Promise<number> {
  const { size, blocks } = await stat(join(folder, 'raw'));
  return size - blocks * 512;
}

describe('a runner killed with -9 and followed by another, again and again', () => {
  it.each([1, 2])('delivers exactly the masked output (seed %i)', async (seed) => {
    const roll = dice(seed * 1000);
    const output = makeOutput(seed, 4_000_000);
    // Slow enough to be killed in the middle, and now and then an answer is lost.
    server.fault = () => (roll(8) === 0 ? 'answer lost' : undefined);
    const writing = write(output, 997 + roll(60_000));
    for (let kills = 0; kills < 3; kills++) {
      const child = startFollower(LATE[kills]);
      const stored = server.length();
      while (server.length() === stored && child.exitCode === null) await systemClock.sleep(2);
      await systemClock.sleep(roll(40));
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    server.fault = undefined;
    const [end] = await Promise.all([resultOf(startFollower(LATE.at(-1))), writing]);
    const expected = await mask(output);
    expect(server.stored().equals(expected)).toBe(true);
    expect(end).toEqual({ length: expected.length, checksum: sha256Hex(expected) });
  });

  it('also when what was sent has been given back to the disk', async () => {
    const output = makeOutput(9, 24_000_000);
    const stallAt = output.length * 0.8;
    server.fault = (_, stored) => (stored > stallAt ? { status: 503 } : undefined);
    const first = startFollower();
    await write(output, 1_000_000);
    while (server.length() < stallAt) await systemClock.sleep(5);
    while ((await holes()) < 8_000_000) await systemClock.sleep(5);
    first.kill('SIGKILL');
    await once(first, 'exit');
    server.fault = undefined;
    const end = await resultOf(startFollower('[id='));
    const expected = await mask(output);
    expect(server.stored().equals(expected)).toBe(true);
    expect(end).toEqual({ length: expected.length, checksum: sha256Hex(expected) });
  });
});
