import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findFate, parseFate, settleFate } from './fate.ts';
import { addInterrupt, parseInterrupts, readInterrupts } from './interrupts.ts';
import { openJournal } from './journal.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gc-runner-journal-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const checksum = 'a'.repeat(64);

describe('journal', () => {
  it('gives a successor what was written', async () => {
    const first = await openJournal(dir);
    await first.write('begun', { at: 'now', version: '1' });
    await first.write('intent', { nonce: 'n'.repeat(16), plan_checksum: checksum, at: 'now' });
    await first.write('relay', { port: 1 });
    await first.write('relay', { port: 2 });
    const second = await openJournal(dir);
    expect(second.find('relay')).toEqual({ port: 2 });
    expect(second.find('intent')).toEqual({ nonce: 'n'.repeat(16), plan_checksum: checksum, at: 'now' });
    expect(second.find('permitted')).toBeUndefined();
    expect(second.damaged).toEqual([]);
  });

  it('takes an entry that was cut off at any byte for not written, and says so', async () => {
    const journal = await openJournal(dir);
    await journal.write('permitted', { epoch: 42, at: '2026-01-01T00:00:00.000Z' });
    const file = join(dir, 'permitted');
    const whole = await readFile(file);
    for (let length = whole.length - 2; length >= 0; length -= 1) {
      await truncate(file, length);
      const successor = await openJournal(dir);
      expect(successor.find('permitted'), `cut off at ${length}`).toBeUndefined();
      expect(successor.damaged).toEqual(['permitted']);
    }
    // Some file systems leave zeros where bytes never reached the disk.
    await writeFile(file, Buffer.alloc(whole.length));
    expect((await openJournal(dir)).damaged).toEqual(['permitted']);
  });

  it('ignores files that are no entries', async () => {
    await writeFile(join(dir, 'intent.new'), '{"nonce":"x');
    await writeFile(join(dir, 'toString'), '{}');
    expect((await openJournal(dir)).damaged).toEqual([]);
  });
});

describe('interrupts', () => {
  const interrupt = fc.record({
    command: fc.constantFrom('plan', 'apply'),
    signal: fc.constantFrom('SIGINT' as const, 'SIGKILL' as const),
    at: fc.nat(),
  });

  it('never gives one that was cut off, and all before it', () => {
    fc.assert(
      fc.property(fc.array(interrupt, { maxLength: 4 }), fc.nat(), (interrupts, cut) => {
        const lines = interrupts.map((i) => `\n${JSON.stringify(i)}\n`);
        const whole = lines.join('');
        const length = whole.length === 0 ? 0 : cut % (whole.length + 1);
        const complete = lines.filter((_, i) => lines.slice(0, i + 1).join('').length <= length).length;
        expect(parseInterrupts(whole.slice(0, length))).toEqual(interrupts.slice(0, complete));
      }),
    );
  });

  it('goes on after one that was cut off', async () => {
    const first = { command: 'apply', signal: 'SIGINT', at: 1 } as const;
    await writeFile(join(dir, 'interrupts'), '\n{"command":"apply","sig');
    await addInterrupt(dir, first);
    expect(await readInterrupts(dir)).toEqual([first]);
  });

  it('is empty at first', async () => {
    expect(await readInterrupts(dir)).toEqual([]);
  });
});

describe('fate', () => {
  it('is never once settled, and stays what a launcher made it', async () => {
    expect(await findFate(dir)).toBeUndefined();
    expect(await settleFate(dir)).toBe('never');
    expect(await settleFate(dir)).toBe('never');
    await writeFile(join(dir, 'fate'), 'started\n');
    expect(await settleFate(dir)).toBe('started');
    expect(await findFate(dir)).toBe('started');
  });

  it('takes what is cut off for started, because only a launcher writes it piecemeal', () => {
    for (const content of ['', 's', 'started', 'never', '\0\0\0']) expect(parseFate(content)).toBe('started');
  });

  it('is settled once when many try', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => settleFate(dir)));
    expect(new Set(all)).toEqual(new Set(['never']));
  });
});
