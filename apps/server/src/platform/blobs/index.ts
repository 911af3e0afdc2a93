export { BlobError } from './blob-error.ts';
export { type BlobStore, createBlobStore, type StoredBlob } from './blob-store.ts';
export { SEALED_CHUNKS } from './sealed-chunks.ts';
