export { EncryptionError, type EncryptionErrorKind } from './encryption-error.ts';
export { createMasterKey, loadMasterKey, type MasterKey, type MasterKeyPlaces } from './master-key.ts';
export { createSealer, type Sealer } from './sealer.ts';
export { verifyMasterKey } from './verify-master-key.ts';
