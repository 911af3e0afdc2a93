export { ENCRYPTION_ERROR_KINDS, EncryptionError } from './encryption-error.ts';
export { loadMasterKey, type MasterKey } from './master-key.ts';
export { createSealer, type Sealer } from './sealer.ts';
export { verifyMasterKey } from './verify-master-key.ts';
