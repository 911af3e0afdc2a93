import type { OrganizationId } from '@groundcrew/protocol';
import { createTestDatabase, type TestDatabase } from '@groundcrew/testkit';
import fc from 'fast-check';
import { type RawBuilder, sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertOrganization } from '../../platform/organization-for-tests.ts';
import { findSeqRange, type SeqRange } from './time-bounds.ts';

const ENTRIES = 200;
/** How far numbers and times may disagree, in entries. */
const DISORDER = 4;
const SECOND = 1_000;

let database: TestDatabase;
let organization: OrganizationId;
beforeAll(async () => {
  database = await createTestDatabase();
  organization = await insertOrganization(database.db);
  await insertOrganization(database.db).then(write);
  await write(organization);
});
afterAll(() => database.drop());

/** Times rise by a second with every number, but for groups of four that are turned around, as at once from several replicas. */
async function write(id: OrganizationId): Promise<void> {
  // Whatever columns an entry has besides.
  await sql`INSERT INTO audit OVERRIDING USER VALUE SELECT (jsonb_populate_record(NULL::audit, jsonb_build_object('organization_id', ${id}::text,
      'at', to_timestamp((n / ${DISORDER}::int) * ${DISORDER}::int + ${DISORDER}::int - 1 - n % ${DISORDER}::int), 'actor_kind', 'system',
      'actor_name', 'test', 'action', 'create', 'noun', 'task', 'stamp', n || id))).*
    FROM generate_series(0, ${ENTRIES - 1}::int) n, (SELECT ${id}::text AS id) i`.execute(database.db);
}

const list = async (conditions: RawBuilder<unknown>[]): Promise<number[]> => {
  const own = sql`organization_id = ${organization}`;
  const { rows } = await sql<{
    seq: number;
  }>`SELECT seq FROM audit WHERE ${sql.join([own, ...conditions], sql` AND `)} ORDER BY seq DESC`.execute(database.db);
  return rows.map(({ seq }) => seq);
};

const within = ({ least, most }: SeqRange) => sql`seq BETWEEN ${least} AND ${most}`;

test('bounds leave out nothing of the time they bound', async () => {
  const time = fc.option(
    fc.integer({ min: -5, max: ENTRIES + 5 }).map((n) => new Date(n * SECOND)),
    { nil: undefined },
  );
  await fc.assert(
    fc.asyncProperty(time, time, async (since, until) => {
      const times = [
        ...(since === undefined ? [] : [sql`at >= ${since}`]),
        ...(until === undefined ? [] : [sql`at < ${until}`]),
      ];
      const range = await findSeqRange(database.db, organization, { since, until }, DISORDER);
      expect(await list([...times, within(range)])).toEqual(await list(times));
    }),
    { numRuns: 60 },
  );
});

test('bounds do bound: alone they let through no more than what lies beside the time', async () => {
  const [since, until] = [new Date(50 * SECOND), new Date(60 * SECOND)];
  const found = await list([within(await findSeqRange(database.db, organization, { since, until }, DISORDER))]);
  expect(found.length).toBeLessThanOrEqual(10 + 2 * DISORDER);
});
