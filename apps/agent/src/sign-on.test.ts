import { ApiError, type Client } from '@groundcrew/client';
import { createFakeClock, createLogger } from '@groundcrew/kit';
import type { ErrorCode, Register, RegisterAnswer } from '@groundcrew/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { createSignOn } from './sign-on.ts';

const ANSWER = { id: 'agent-1', pool_id: 'pool-1', token: 'jwt', expires_in_seconds: 900 } as unknown as RegisterAnswer;
const refusal = (status: number, code: ErrorCode) => new ApiError(`refused as ${code}`, { status, code });

/** @param answers one for each try; an error is thrown, and the last one comes again and again */
function setUp(...answers: readonly (Error | RegisterAnswer)[]) {
  const clock = createFakeClock();
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const seen: (string | undefined)[] = [];
  let tries = 0;
  const call = async () => {
    const answer = answers[Math.min(tries, answers.length - 1)];
    tries += 1;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const signOn = createSignOn({
    client: { call } as unknown as Client,
    body: async () => ({}) as Register,
    clock,
    logger: createLogger({ name: 'test', level: 'silent' }),
    signal: leaving.signal,
    onWaiting: () => seen.push(signOn.closedBecause()),
  });
  return { clock, leaving, seen, signOn, tries: () => tries };
}

test('a closed door is waited for, saying why, until it opens', async () => {
  const closed = refusal(409, 'not_admitted');
  const { clock, seen, signOn } = setUp(closed, closed, refusal(503, 'unavailable'), closed, ANSWER);
  const signed = signOn.signOn();
  await clock.advance(60_000);
  expect(await signed).toBe(ANSWER);
  expect(clock.sleeps).toEqual([500, 1_000, 2_000, 4_000]);
  const because = 'refused as not_admitted';
  expect(seen).toEqual([because, because, undefined, because]);
  expect(signOn.closedBecause()).toBeUndefined();
});

test('what never heals by itself is thrown at once, also after a wait', async () => {
  const { clock, signOn, tries } = setUp(refusal(409, 'not_admitted'), refusal(401, 'unauthenticated'));
  const signed = expect(signOn.signOn()).rejects.toMatchObject({ code: 'unauthenticated' });
  await clock.advance(60_000);
  await signed;
  expect(tries()).toBe(2);
  expect(signOn.closedBecause()).toBeUndefined();
});

test('leaving ends the wait', async () => {
  const { clock, leaving, signOn } = setUp(refusal(409, 'not_admitted'));
  const signed = expect(signOn.signOn()).rejects.toMatchObject({ code: 'not_admitted' });
  await clock.advance(1_000);
  leaving.abort();
  await signed;
});
