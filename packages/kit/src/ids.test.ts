import { expect, test } from 'vitest';
import { newId } from './ids.ts';
import { equalSecrets, newSecret, sha256Hex } from './secrets.ts';

test('an id is its prefix and 20 characters of a-z2-7', () => {
  expect(newId('task')).toMatch(/^task-[a-z2-7]{20}$/);
});

test('ids use the whole alphabet and do not repeat', () => {
  const ids = Array.from({ length: 2000 }, () => newId('x'));
  expect(new Set(ids).size).toBe(2000);
  expect(new Set(ids.flatMap((id) => [...id.slice(2)])).size).toBe(32);
});

test('a secret is url-safe and as long as asked', () => {
  expect(newSecret()).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(newSecret(9)).toMatch(/^[A-Za-z0-9_-]{12}$/);
});

test('sha256Hex agrees with the published vector', () => {
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(sha256Hex(Buffer.from('abc'))).toBe(sha256Hex('abc'));
});

test('equalSecrets compares texts of any length', () => {
  expect(equalSecrets('same', 'same')).toBe(true);
  expect(equalSecrets('same', 'sama')).toBe(false);
  expect(equalSecrets('same', 'same but longer')).toBe(false);
});
