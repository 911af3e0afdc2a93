import { type Clock, systemClock } from '@groundcrew/kit';
import { expect, test } from 'vitest';
import { createGathering } from './gathering.ts';

/** Answers with what was asked, and remembers the rounds. */
function gather(options: { everyMs?: number; most?: number; clock?: Clock; broken?: string } = {}) {
  const rounds: string[][] = [];
  const ask = createGathering<string, string>({
    keyOf: (question) => question.split(' ')[0] ?? '',
    everyMs: 0,
    clock: systemClock,
    answerAll: async (questions) => {
      rounds.push([...questions]);
      if (questions.includes(options.broken ?? '')) throw new Error('no answer');
      return questions.map((question) => `to ${question}`);
    },
    ...options,
  });
  return { ask, rounds };
}

test('what is asked in one turn is answered in one round, each with its own answer', async () => {
  const { ask, rounds } = gather();
  expect(await Promise.all(['a', 'b', 'c'].map(ask))).toEqual(['to a', 'to b', 'to c']);
  expect(rounds).toEqual([['a', 'b', 'c']]);
});

test('the same key is never twice in a round, and keeps its order', async () => {
  const { ask, rounds } = gather();
  await Promise.all(['a 1', 'b 1', 'a 2', 'c 1', 'a 3', 'b 2'].map(ask));
  expect(rounds).toEqual([['a 1', 'b 1', 'c 1'], ['a 2', 'b 2'], ['a 3']]);
});

test('no round is larger than the most', async () => {
  const { ask, rounds } = gather({ most: 2 });
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map(ask));
  expect(rounds.map((round) => round.length)).toEqual([2, 2, 1]);
});

test('the first one waits for nothing; rounds keep their distance; after a pause nothing waits again', async () => {
  let now = 1_000;
  const slept: number[] = [];
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      slept.push(ms);
      now += ms;
    },
  };
  const { ask, rounds } = gather({ everyMs: 500, clock });
  await ask('a');
  now += 100;
  await Promise.all([ask('b'), ask('c')]);
  now += 500;
  await ask('d');
  expect(slept).toEqual([400]);
  expect(rounds).toEqual([['a'], ['b', 'c'], ['d']]);
});

test('a clock that was set back makes nobody wait for longer than the pause', async () => {
  let now = 10_000_000;
  const slept: number[] = [];
  const clock = { now: () => now, sleep: async (ms: number) => void slept.push(ms) };
  const { ask } = gather({ everyMs: 500, clock });
  await ask('a');
  now = 0;
  await ask('b');
  expect(slept).toEqual([500]);
});

test('a round that fails fails for those in it, and for nobody else', async () => {
  const { ask } = gather({ most: 2, broken: 'b' });
  const answers = await Promise.allSettled(['a', 'b', 'c'].map(ask));
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
});

test('an answer that is still to come holds up nobody but the next question of the same key', async () => {
  const late = Promise.withResolvers<string>();
  const order: string[] = [];
  const ask = createGathering<string, string>({
    keyOf: (question) => question.split(' ')[0] ?? '',
    everyMs: 0,
    clock: systemClock,
    answerAll: async (questions) => {
      order.push(...questions);
      return questions.map((question) => (question === 'a 1' ? late.promise : question));
    },
  });
  const [first, second] = [ask('a 1'), ask('a 2')];
  expect(await ask('b 1')).toBe('b 1');
  expect(await ask('b 2')).toBe('b 2');
  expect(order).toEqual(['a 1', 'b 1', 'b 2']);
  late.resolve('at last');
  expect(await first).toBe('at last');
  expect(await second).toBe('a 2');
});

test('an answer that fails late fails for its asker, and the key goes on', async () => {
  const ask = createGathering<string, string>({
    keyOf: () => 'a',
    everyMs: 0,
    clock: systemClock,
    answerAll: async ([question]) => [question === '1' ? Promise.reject(new Error('too late')) : 'there'],
  });
  const [first, second] = [ask('1'), ask('2')];
  await expect(first).rejects.toThrow('too late');
  expect(await second).toBe('there');
});
