export { BlobError, type BlobErrorKind } from './blob-error.ts';
export { type BlobOwner, type BlobStore, createBlobStore, type PutOptions, type StoredBlob } from './blob-store.ts';
