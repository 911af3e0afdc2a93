import { sql } from 'kysely';
import type { SealedColumn } from '../encryption/index.ts';

/** A chunk opens only at its own place of its own blob. */
export const placeOf = (subjectId: string, blobId: string, number: number): string =>
  `${subjectId}/${blobId}/${number}`;

/** The chunks of all blobs, sealed for what {@link placeOf} says. */
export const SEALED_CHUNKS: SealedColumn = {
  table: 'blob_chunks',
  column: 'content',
  ids: ['blob_id', 'number'],
  from: sql`blob_chunks t JOIN blobs b ON b.id = t.blob_id`,
  organization: sql`b.organization_id`,
  purpose: sql`b.purpose`,
  subject: sql`b.subject_id || '/' || t.blob_id || '/' || t.number`,
};
