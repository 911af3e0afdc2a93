import { ApiError } from '@groundcrew/client';
import { createLogger, systemClock } from '@groundcrew/kit';
import type { RenewAnswer } from '@groundcrew/protocol';
import { waitFor } from '@groundcrew/testkit';
import { expect, test } from 'vitest';
import { startLease } from './lease.ts';
import { createWishes } from './wishes.ts';

const GO_ON: RenewAnswer = {
  verdict: 'go_on',
  lease_seconds: 60,
  renew_after_seconds: 0.01,
  cancel_level: 0,
  log_interval_ms: 1000,
  watched: false,
};

/** A lease whose renewals are answered by the given ones in turn, the last one for ever. */
function lease(answers: readonly (RenewAnswer | Error)[]) {
  const wishes = createWishes();
  let renewals = 0;
  const renew = async () => {
    const answer = answers[Math.min(renewals, answers.length - 1)] as RenewAnswer | Error;
    renewals += 1;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const logger = createLogger({ name: 'test', level: 'silent' });
  const started = startLease({ renew, describe: () => ({}), wishes, clock: systemClock, random: () => 0, logger });
  return { wishes, stop: started.stop, renewals: () => renewals };
}

test('a refusal as fenced, and a verdict that says so, end the right to act', async () => {
  for (const last of [
    new ApiError('over', { status: 409, code: 'fenced' }),
    { ...GO_ON, verdict: 'fenced' as const },
  ]) {
    const { wishes, stop } = lease([GO_ON, last]);
    await waitFor('the fence', () => wishes.fenced);
    await stop();
  }
});

test('silence, faults and refusals by something on the way change nothing', async () => {
  const { wishes, stop, renewals } = lease([
    new Error('nobody there'),
    new ApiError('gateway', { status: 502, code: 'unavailable' }),
    new ApiError('some proxy', { status: 401, code: 'unauthenticated' }),
    { ...GO_ON, cancel_level: 1 },
  ]);
  await waitFor('a renewal that is answered', () => wishes.cancelLevel === 1);
  expect(renewals()).toBeGreaterThan(3);
  expect(wishes.fenced).toBe(false);
  await stop();
});
