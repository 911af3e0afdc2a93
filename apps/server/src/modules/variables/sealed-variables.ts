import { sql } from 'kysely';
import type { SealedColumn } from '../../platform/encryption/index.ts';

/** What a sensitive value is sealed for; it opens only as this variable's. */
export const PURPOSE = 'variable';

/** The values of sensitive variables. */
export const SEALED_VARIABLES: SealedColumn = {
  table: 'variables',
  column: 'value_sealed',
  ids: ['id'],
  from: sql`variables t`,
  organization: sql`t.organization_id`,
  purpose: sql`${sql.lit(PURPOSE)}`,
  subject: sql`t.id`,
};
