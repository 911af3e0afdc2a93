import { SessionCreate, SignIn, UserCreate } from '@groundcrew/protocol';
import { expect, test } from 'vitest';
import { findUnionMistakes } from './union-mistakes.ts';

const pathsOf = (given: unknown, schema = SignIn as Parameters<typeof findUnionMistakes>[0]) =>
  findUnionMistakes(schema, given)?.map(({ path }) => path.join('.'));

test('the mistakes are those of the possibility that most fields are of', () => {
  expect(pathsOf({ login: 'ann', token_name: 'laptop' })).toEqual(['password']);
  expect(pathsOf({ sign_in_token: 7, token_name: [] })).toEqual(['sign_in_token', 'token_name']);
  expect(pathsOf({ code: 'x', code_verifier: 'short', from_the_future: 1 })).toEqual(['code_verifier']);
});

test.each([{}, { token_name: 'laptop' }, { sign_in_token: 7, login: 7 }])(
  'where none is meant more than another, what each needs is said: %j',
  (given) => {
    expect(findUnionMistakes(SignIn, given)).toMatchObject([
      { path: [], message: 'must have sign_in_token, or login and password, or code and code_verifier' },
    ]);
  },
);

test('optional fields are not among what is needed', () => {
  expect(findUnionMistakes(SessionCreate, {})?.[0]?.message).toBe('must have sign_in_token, or login and password');
});

test('what is no object, and what is no choice, is left to the schema', () => {
  for (const given of [[], null, 'text', 7]) expect(pathsOf(given)).toBeUndefined();
  expect(pathsOf({}, UserCreate)).toBeUndefined();
});
