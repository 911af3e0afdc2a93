import type { Session } from './connect.ts';

/** A database's schema as its catalogues tell it, in an order that depends on nothing but names. */
export interface Catalogue {
  /** As `pg_get_functiondef` writes them. */
  functions: string[];
  tables: CatalogueTable[];
}

export interface CatalogueTable {
  name: string;
  columns: CatalogueColumn[];
  /** As `pg_get_constraintdef` writes them, primary key first, then by name. */
  constraints: { name: string; definition: string }[];
  /** Those that no constraint makes, as `pg_get_indexdef` writes them. */
  indexes: string[];
  /** As `pg_get_triggerdef` writes them. */
  triggers: string[];
  /** Storage parameters such as `fillfactor=70`. */
  options: string[];
}

export interface CatalogueColumn {
  name: string;
  /** As `format_type` writes it: `text`, `timestamp with time zone`. */
  type: string;
  nullable: boolean;
  default: string | null;
  /** The expression that it is made from, with each row. */
  generated: string | null;
  identity: 'always' | 'by default' | null;
  /** `external`, `main`, …, where it differs from what the type has by default. */
  storage: string | null;
}

/** Kept by the migration mechanism itself, not by a migration. */
const OWN_TABLE = 'schema_migrations';

/** Reads the schema `public`. Throws for what it does not know how to tell (views, types, …), so that nothing goes unseen. */
export async function readCatalogue(session: Session): Promise<Catalogue> {
  await refuseUnknown(session);
  const { rows } = await session.query<CatalogueTable>(TABLES, [OWN_TABLE]);
  const functions = await session.query<{ definition: string }>(FUNCTIONS);
  return { functions: functions.rows.map(({ definition }) => definition.trimEnd()), tables: rows };
}

async function refuseUnknown(session: Session): Promise<void> {
  const { rows } = await session.query<{ kind: string; name: string }>(UNKNOWN);
  const first = rows[0];
  if (first !== undefined)
    throw new Error(
      `The schema has a ${first.kind} "${first.name}", which the dump cannot show yet. Teach platform/database/catalogue.ts to read it.`,
    );
}

const FUNCTIONS = `
SELECT pg_get_functiondef(oid) AS definition FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' ORDER BY proname COLLATE "C", oid`;

const TABLES = `
SELECT t.relname AS name,
  coalesce(t.reloptions, '{}') AS options,
  (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'name', a.attname,
      'type', format_type(a.atttypid, a.atttypmod),
      'nullable', NOT a.attnotnull,
      'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
      'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
      'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
      'storage', CASE WHEN a.attstorage <> y.typstorage
        THEN CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END
    ) ORDER BY a.attnum), '[]')
    FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
  -- From PostgreSQL 18 on, NOT NULL is a constraint too; the columns tell it already.
  (SELECT coalesce(jsonb_agg(jsonb_build_object('name', c.conname, 'definition', pg_get_constraintdef(c.oid))
      ORDER BY c.contype <> 'p', c.conname COLLATE "C"), '[]')
    FROM pg_constraint c WHERE c.conrelid = t.oid AND c.contype <> 'n') AS constraints,
  (SELECT coalesce(jsonb_agg(pg_get_indexdef(i.indexrelid) ORDER BY x.relname COLLATE "C"), '[]')
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    WHERE i.indrelid = t.oid AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.conrelid = t.oid)) AS indexes,
  (SELECT coalesce(jsonb_agg(pg_get_triggerdef(g.oid) ORDER BY g.tgname COLLATE "C"), '[]')
    FROM pg_trigger g WHERE g.tgrelid = t.oid AND NOT g.tgisinternal) AS triggers
FROM pg_class t
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r' AND t.relname <> $1
ORDER BY t.relname COLLATE "C"`;

const UNKNOWN = `
SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialised view' WHEN 'p' THEN 'partitioned table' WHEN 'S' THEN 'sequence'
    WHEN 'f' THEN 'foreign table' ELSE 'relation' END AS kind, relname AS name
  FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('r', 'i', 'c', 't')
    AND NOT (relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')))
UNION ALL SELECT 'aggregate or procedure', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind <> 'f'
UNION ALL SELECT 'type', typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'r')
ORDER BY 1, 2 LIMIT 1`;
