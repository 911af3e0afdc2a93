import { createLogger } from '@groundcrew/kit';
import { createFakeClock, type FakeClock } from '@groundcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Leadership } from './leadership.ts';
import { type Loop, type LoopSpec, startLoop } from './loop.ts';

const logger = createLogger({ name: 'test', level: 'silent' });

let clock: FakeClock;
let loop: Loop | undefined;
beforeEach(() => {
  clock = createFakeClock();
});
afterEach(() => loop?.stop());

/** Who leads is decided by the test. */
function createElection() {
  let lead: AbortController | undefined = new AbortController();
  const resigned: string[] = [];
  const leadership: Leadership = {
    tryLead: async () => lead?.signal,
    resign: async (name) => void resigned.push(name),
    close: async () => {},
  };
  return {
    leadership,
    resigned,
    lose() {
      lead?.abort();
      lead = undefined;
    },
    win() {
      lead = new AbortController();
    },
  };
}

function start(spec: Partial<LoopSpec> & Pick<LoopSpec, 'run'>, leadership = createElection().leadership): Loop {
  loop = startLoop(
    { name: 'test', intervalMs: 1000, exclusive: false, ...spec },
    { leadership, logger, clock, random: () => 0.5 },
  );
  return loop;
}

/** A `run` whose rounds end when the test says so. */
function createRounds() {
  const ends: (() => void)[] = [];
  let underWay = 0;
  let most = 0;
  const run = async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise<void>((resolve) => ends.push(resolve));
    underWay -= 1;
  };
  return { run, begun: () => ends.length, most: () => most, end: () => ends.at(-1)?.() };
}

test('runs at once and then at its interval', async () => {
  let rounds = 0;
  start({
    run: async () => {
      rounds += 1;
    },
  });
  await clock.advance(0);
  expect(rounds).toBe(1);
  await clock.advance(999);
  expect(rounds).toBe(1);
  await clock.advance(1);
  expect(rounds).toBe(2);
});

test('the interval varies by a tenth', async () => {
  for (const [random, pause] of [
    [0, 900],
    [1, 1100],
  ] as const) {
    const each = startLoop(
      { name: 'test', intervalMs: 1000, exclusive: false, run: async () => {} },
      { ...createElection(), logger, clock, random: () => random },
    );
    await clock.advance(0);
    expect(clock.sleeps.at(-1)).toBeCloseTo(pause);
    await each.stop();
  }
});

test('waking brings a round forward; many calls during a round bring exactly one more', async () => {
  const rounds = createRounds();
  const { wake } = start({ run: rounds.run });
  await clock.advance(0);
  for (let calls = 0; calls < 5; calls += 1) wake();
  await clock.advance(0);
  expect(rounds.begun()).toBe(1);
  rounds.end();
  await clock.advance(0);
  expect(rounds.begun()).toBe(2);
  rounds.end();
  await clock.advance(0);
  expect(rounds.begun()).toBe(2);
  wake();
  wake();
  await clock.advance(0);
  expect(rounds.begun()).toBe(3);
  expect(rounds.most()).toBe(1);
  rounds.end();
});

test('a round that fails is tried again after pauses that grow, and waking does not shorten them', async () => {
  let rounds = 0;
  let broken = true;
  const { wake } = start({
    run: async () => {
      rounds += 1;
      if (broken) throw new Error('no');
    },
  });
  await clock.advance(0);
  wake();
  await clock.advance(374);
  expect(rounds).toBe(1);
  await clock.advance(1);
  expect(rounds).toBe(2);
  await clock.advance(750);
  expect(rounds).toBe(3);
  broken = false;
  await clock.advance(1500);
  expect(rounds).toBe(4);
  await clock.advance(1000);
  expect(rounds).toBe(5);
});

test('an exclusive loop runs only while it leads, and its round is told of the loss', async () => {
  const election = createElection();
  election.lose();
  let signal: AbortSignal | undefined;
  const run = async (given: AbortSignal) => {
    signal = given;
  };
  start({ exclusive: true, run }, election.leadership);
  await clock.advance(2000);
  expect(signal).toBeUndefined();
  election.win();
  await clock.advance(1000);
  expect(signal?.aborted).toBe(false);
  election.lose();
  expect(signal?.aborted).toBe(true);
  await loop?.stop();
  expect(election.resigned).toEqual(['test']);
});

test('stopping tells the round under way and waits for it', async () => {
  let told = false;
  const { stop } = start({
    run: (signal) =>
      new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          told = true;
          setTimeout(resolve, 10);
        });
      }),
  });
  await clock.advance(0);
  await stop();
  expect(told).toBe(true);
  await clock.advance(10_000);
  expect(clock.sleeping).toBe(0);
});
