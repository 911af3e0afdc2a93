import { createLogger, systemClock } from '@groundcrew/kit';
import { waitFor } from '@groundcrew/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { createHeartbeats } from './heartbeats.ts';

function setUp(send: () => Promise<void>) {
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  let intervalMs = 60_000;
  let changes = 0;
  const heartbeats = createHeartbeats({
    send,
    intervalMs: () => intervalMs,
    clock: systemClock,
    logger: createLogger({ name: 'test', level: 'silent' }),
    signal: leaving.signal,
    onChange: () => {
      changes += 1;
    },
  });
  const setInterval = (ms: number): void => {
    intervalMs = ms;
  };
  return { heartbeats, leaving, setInterval, changes: () => changes };
}

test('the first goes out at once, the next when something is to be told, and then at the new interval', async () => {
  const { heartbeats, setInterval, changes } = setUp(async () => {});
  void heartbeats.keepBeating();
  await waitFor('the first', () => heartbeats.record().count === 1);
  setInterval(5);
  heartbeats.nudge();
  await waitFor('some more', () => heartbeats.record().count > 4);
  expect(changes()).toBeGreaterThan(4);
  expect(heartbeats.record()).toMatchObject({ failures: 0, failedInARow: 0, lastAt: expect.any(Number) });
});

test('unanswered ones are counted, in all and in a row, and reject nobody', async () => {
  let isAway = true;
  const { heartbeats } = setUp(async () => {
    if (isAway) throw new Error('away');
  });
  for (let n = 0; n < 3; n += 1) await heartbeats.beat();
  expect(heartbeats.record()).toEqual({ count: 0, failures: 3, failedInARow: 3, lastAt: undefined });
  isAway = false;
  await heartbeats.beat();
  expect(heartbeats.record()).toMatchObject({ count: 1, failures: 3, failedInARow: 0 });
});

test('one waits for the other, so that the last word is the last', async () => {
  const running: string[] = [];
  let round = 0;
  const { heartbeats } = setUp(async () => {
    round += 1;
    const mine = round;
    running.push(`begin ${mine}`);
    await new Promise((resolve) => setTimeout(resolve, mine === 1 ? 30 : 1));
    running.push(`end ${mine}`);
  });
  await Promise.all([heartbeats.beat(), heartbeats.beat()]);
  expect(running).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
});

test('ends with the agent', async () => {
  const { heartbeats, leaving } = setUp(async () => {});
  const beating = heartbeats.keepBeating();
  await waitFor('the first', () => heartbeats.record().count === 1);
  leaving.abort();
  await beating;
});
