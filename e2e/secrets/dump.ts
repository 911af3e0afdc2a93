import { gunzipSync } from 'node:zlib';
import { dumpDatabase, openDatabase } from '../harness/index.ts';
import { type Place, placeOf } from './finder.ts';

/** Everything in every table: rows as text, as a dump has them; bytes as bytes; and each log put together from its pieces. */
export async function dumpPlaces(home: string): Promise<Place[]> {
  const rows = [...(await dumpDatabase(home))].map(([table, text]) => placeOf(`table ${table}`, text));
  return [...rows, ...(await readBytes(home)), ...(await readLogs(home))];
}

async function readBytes(home: string): Promise<Place[]> {
  const db = await openDatabase(home);
  try {
    const { rows: columns } = await db.query<{ table: string; column: string }>(
      `SELECT quote_ident(table_name) AS table, quote_ident(column_name) AS column FROM information_schema.columns
       WHERE table_schema = 'public' AND data_type = 'bytea'`,
    );
    const places: Place[] = [];
    for (const { table, column } of columns) {
      const { rows } = await db.query<{ bytes: Buffer }>(
        `SELECT ${column} AS bytes FROM ${table} WHERE ${column} IS NOT NULL`,
      );
      places.push(...rows.map(({ bytes }) => placeOf(`bytes of ${table}.${column}`, bytes)));
    }
    return places;
  } finally {
    await db.end();
  }
}

interface SegmentRow {
  stream: string;
  encoding: string;
  content: Buffer;
}

/** A secret may lie across two pieces. */
async function readLogs(home: string): Promise<Place[]> {
  const db = await openDatabase(home);
  try {
    const { rows } = await db.query<SegmentRow>(
      `SELECT attempt_id || ' ' || phase AS stream, encoding, content FROM log_segments ORDER BY attempt_id, phase, "offset"`,
    );
    const streams = Map.groupBy(rows, ({ stream }) => stream);
    return [...streams].map(([stream, segments]) =>
      placeOf(`stored log ${stream}`, Buffer.concat(segments.map(unpack))),
    );
  } finally {
    await db.end();
  }
}

const unpack = ({ encoding, content }: SegmentRow): Buffer => (encoding === 'gzip' ? gunzipSync(content) : content);
