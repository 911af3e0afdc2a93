import { createFakeClock, createLogger } from '@groundcrew/kit';
import type { RenewAnswer, RenewRequest } from '@groundcrew/protocol';
import { describe, expect, it } from 'vitest';
import { createWishes, startLease } from './index.ts';

const logger = createLogger({ name: 'test', level: 'silent' });
const GO_ON: RenewAnswer = {
  verdict: 'go_on',
  lease_seconds: 60,
  renew_after_seconds: 15,
  cancel_level: 0,
  log_interval_ms: 1_000,
  watched: false,
};

function setUp(answer: () => RenewAnswer | Error = () => GO_ON) {
  const clock = createFakeClock();
  const wishes = createWishes();
  const requests: RenewRequest[] = [];
  const heard: number[] = [];
  let stage: RenewRequest['stage'] = 'init';
  const lease = startLease({
    renew: async (request) => {
      requests.push(request);
      const given = answer();
      if (given instanceof Error) throw given;
      return given;
    },
    describe: () => ({ stage }),
    wishes,
    onHeard: () => heard.push(clock.now()),
    clock,
    random: () => 1,
    logger,
  });
  return { clock, wishes, requests, heard, lease, enter: (next: RenewRequest['stage']) => (stage = next) };
}

describe('lease', () => {
  it('is renewed soon and then every 15 s, with what there is to tell', async () => {
    const { clock, requests, lease, enter } = setUp();
    await clock.advance(100);
    expect(requests).toEqual([{ stage: 'init' }]);
    enter('planning');
    await clock.advance(14_999);
    expect(requests).toHaveLength(1);
    await clock.advance(1);
    expect(requests).toEqual([{ stage: 'init' }, { stage: 'planning' }]);
    await lease.stop();
  });

  it('tells of every answer, and of no failure, so that whoever waits for the server need not wait on', async () => {
    const answers = [GO_ON, new Error('cut'), new Error('cut'), GO_ON];
    const { clock, requests, heard, lease } = setUp(() => answers.shift() ?? GO_ON);
    await clock.advance(16_000);
    expect(requests.length).toBeGreaterThanOrEqual(3);
    expect(heard).toHaveLength(1);
    await clock.advance(5_000);
    expect(heard.length).toBeGreaterThanOrEqual(2);
    expect(heard).toHaveLength(requests.length - 2);
    await lease.stop();
  });

  it('is renewed early when something changed, once for many changes', async () => {
    const { clock, requests, lease, enter } = setUp();
    await clock.advance(1_000);
    for (const stage of ['planning', 'plan_saved', 'applying'] as const) {
      enter(stage);
      lease.nudge();
    }
    await clock.advance(200);
    expect(requests.map(({ stage }) => stage)).toEqual(['init', 'applying']);
    await lease.stop();
  });

  it('goes on through any silence, and tells what the server wants when it is back', async () => {
    let answer: RenewAnswer | Error = new Error('connect ECONNREFUSED');
    const { clock, requests, lease, wishes } = setUp(() => answer);
    await clock.advance(10 * 60_000);
    expect(requests.length).toBeGreaterThan(100);
    expect(wishes).toMatchObject({ cancelLevel: 0, fenced: false });
    answer = { ...GO_ON, cancel_level: 2, watched: true, log_interval_ms: 50, verdict: 'fenced' };
    await clock.advance(5_000);
    expect(wishes).toMatchObject({ cancelLevel: 2, fenced: true, watched: true, logIntervalMs: 50 });
    await lease.stop();
  });

  it('ends when it is told to, and not before', async () => {
    const { clock, requests, lease } = setUp();
    await clock.advance(100);
    await lease.stop();
    await clock.advance(60_000);
    expect(requests).toHaveLength(1);
  });
});

describe('wishes', () => {
  it('only ever stop harder, and tell of changes alone', () => {
    const wishes = createWishes();
    const seen: number[] = [];
    const forget = wishes.onChange(() => seen.push(wishes.cancelLevel));
    for (const level of [0, 2, 1, 2, 3] as const) wishes.raise(level);
    expect(seen).toEqual([2, 3]);
    wishes.watch(true, 50);
    wishes.watch(true);
    expect(wishes).toMatchObject({ watched: true, logIntervalMs: 50 });
    expect(seen).toHaveLength(3);
    forget();
    wishes.fence();
    expect(wishes.fenced).toBe(true);
    expect(seen).toHaveLength(3);
  });
});
