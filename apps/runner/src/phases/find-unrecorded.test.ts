import type { CompletedOperation } from '@groundcrew/terraform';
import { expect, it } from 'vitest';
import { findUnrecorded } from './find-unrecorded.ts';

const done = (action: CompletedOperation['action'], address: string, id: string | null = `id-${address}`) => ({
  action,
  address,
  id,
});
const recorded = (...addresses: string[]) => addresses.map((address) => ({ address, id: `id-${address}` }));

it.each<[string, CompletedOperation[], string[], string[]]>([
  ['nothing was done', [], ['a'], []],
  ['all is recorded', [done('create', 'a'), done('update', 'b')], ['a', 'b'], []],
  ['a created one is missing', [done('create', 'a'), done('create', 'b')], ['a'], ['b']],
  ['an imported one is missing', [done('import', 'a')], [], ['a']],
  ['a destroyed one is still recorded', [done('delete', 'a')], ['a'], ['a']],
  ['a destroyed one is gone', [done('delete', 'a')], [], []],
  ['a replaced one is recorded as the old one', [done('delete', 'a', 'old'), done('create', 'a', 'new')], ['a'], ['a']],
  ['one without an id is recorded', [done('create', 'a', null)], ['a'], []],
  ['created and destroyed again', [done('create', 'a'), done('delete', 'a')], [], []],
])('%s', (_, completed, addresses, unrecorded) => {
  expect(findUnrecorded(completed, recorded(...addresses)).map(({ address }) => address)).toEqual(unrecorded);
});
