export { CURRENT_HELD_MS } from './data-keys.ts';
export { createKeyKeeper, type KeyKeeper, type KeyList } from './key-keeper.ts';
export { addMasterKey, keepOnly, loadMasterKeys, type MasterKeys } from './master-keys.ts';
export type { Resealed } from './reseal.ts';
export type { SealedColumn } from './sealed-column.ts';
export { createSealer, type Sealer } from './sealer.ts';
export { contextOfSecret, secretFact } from './secret-facts.ts';
export { verifyMasterKeys } from './verify-master-keys.ts';
export { unwrapSecret, wrapSecret } from './wrapping.ts';
