export { loadMasterKey, type MasterKey } from './master-key.ts';
export { createSealer, type Sealer } from './sealer.ts';
export { verifyMasterKey } from './verify-master-key.ts';
