import { expect, it } from 'vitest';
import { createFakeClock } from './fake-clock.ts';
import type { Logger } from './logger.ts';
import { createOutageLog } from './outage-log.ts';

function setUp() {
  const clock = createFakeClock();
  const said: [sentence: string, failures: number][] = [];
  const line = ({ failures }: { failures: number }, sentence: string) => said.push([sentence, failures]);
  const logger = { warn: line, info: line } as unknown as Logger;
  return { clock, said, log: createOutageLog({ clock, logger, trouble: 'down', recovery: 'up' }) };
}

it('says it once, then ever more rarely, and once when it is over', async () => {
  const { clock, said, log } = setUp();
  const startedAt = clock.now();
  const times: number[] = [];
  // A try every five seconds, for five hours.
  for (let n = 0; n < 3_600; n += 1) {
    const before = said.length;
    log.failed(new Error('no answer'));
    if (said.length > before) times.push(Math.round((clock.now() - startedAt) / 60_000));
    await clock.advance(5_000);
  }
  expect(times).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 124, 184, 244]);
  log.worked();
  log.worked();
  expect(said.at(-1)).toEqual(['up', 3_600]);
  expect(said.filter(([sentence]) => sentence === 'up')).toHaveLength(1);
});

it('begins anew with the next outage, and is silent while all is well', () => {
  const { said, log } = setUp();
  log.worked();
  log.failed(new Error('no answer'));
  log.worked();
  log.failed(new Error('no answer'));
  expect(said.map(([sentence]) => sentence)).toEqual(['down', 'up', 'down']);
});
