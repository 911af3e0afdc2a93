import { randomBytes } from 'node:crypto';
import { createMasterKey, type MasterKey } from './master-key.ts';
import type { MasterKeys } from './master-keys.ts';

/** Master keys that stand in an array, which the test may change as an operator changes a file. */
export const holdKeys = (keys: MasterKey[], source = 'a test'): MasterKeys => ({
  source,
  read: async () => keys as unknown as readonly [MasterKey, ...MasterKey[]],
  find: async (fingerprint) => keys.find((key) => key.fingerprint === fingerprint),
  list: () => keys,
});

export const newKeys = (): MasterKeys => holdKeys([createMasterKey(randomBytes(32))]);
