import { type AuditHead, type AuditLine, CHAIN_START, type OrganizationId } from '@groundcrew/protocol';
import type { Database } from '../../platform/database/index.ts';
import { EMPTY_TIP, isGenuine, signHead, toHashed } from './chain.ts';
import * as store from './export-store.ts';
import type { AuditKeys } from './keys.ts';
import type { Sealer } from './seal.ts';
import { listUsedStamps, readNow, readSettled } from './seal-store.ts';

export interface ExportDeps {
  db: Database;
  keys: AuditKeys;
  sealer: Sealer;
}

/** Entries that are read at once; an export of any length is never in memory whole. */
const PAGE = 500;
/** One stray is enough to distrust the log; so many are named. */
const MOST_STRAYS = 100;

/** Reads the log so that it can be verified by whoever has it. */
export function createExport({ db, keys, sealer }: ExportDeps) {
  /** How far the chain reaches, everything that was committed before the call included. */
  async function readHead(organizationId: OrganizationId): Promise<AuditHead> {
    await sealer.seal();
    return (await store.findHead(db, organizationId)) ?? signHead(organizationId, EMPTY_TIP, await readNow(db), keys);
  }

  async function* lines(organizationId: OrganizationId, since?: string): AsyncGenerator<AuditLine> {
    const head = await readHead(organizationId);
    const after = await findStart(organizationId, since, head);
    yield {
      line: 'start',
      version: 1,
      organization_id: organizationId,
      exported_at: (await readNow(db)).toISOString(),
      public_key: keys.publicKey,
      after,
    };
    yield* chained(organizationId, after, Math.max(head.position, await store.findHeadless(db, organizationId)));
    yield* strays(organizationId, head);
    yield { line: 'head', ...head };
  }

  async function findStart(organizationId: OrganizationId, since: string | undefined, head: AuditHead) {
    if (since === undefined) return { position: 0, hash: CHAIN_START };
    const place = await store.findPlaceBefore(db, organizationId, new Date(since));
    if (place === undefined) return { position: head.position, hash: head.hash };
    return place.hash === null ? { position: 0, hash: CHAIN_START } : { position: place.position, hash: place.hash };
  }

  async function* chained(
    organizationId: OrganizationId,
    after: { position: number; hash: string },
    last: number,
  ): AsyncGenerator<AuditLine> {
    let { position, hash } = after;
    for (const gap of await store.listGaps(db, organizationId)) {
      if (gap.to_position <= position) continue;
      yield { line: 'gap', ...gap };
      ({ to_position: position, hash } = gap);
    }
    for (;;) {
      const rows = await store.listChained(db, organizationId, position, last, PAGE);
      for (const row of rows) {
        yield toLine(organizationId, row, hash);
        ({ position, hash } = row);
      }
      if (rows.length < PAGE) return;
    }
  }

  async function* strays(organizationId: OrganizationId, head: AuditHead): AsyncGenerator<AuditLine> {
    const settled = await readSettled(db);
    const rows = await store.listOutsiders(db, organizationId, MOST_STRAYS);
    const stamps = rows.flatMap(({ stamp }) => stamp ?? []);
    const used = await listUsedStamps(db, organizationId, stamps);
    for (const row of rows) {
      const why = findWhyStray(
        row.stamp !== null && used.has(row.stamp),
        isGenuine(row, head, keys),
        row.seq <= settled,
      );
      if (why === undefined) continue;
      const { stamp: _stamp, ...entry } = row;
      yield { line: 'stray', ...entry, at: entry.at.toISOString(), why };
    }
  }

  return { readHead, lines };
}

function findWhyStray(isCopy: boolean, isGenuine: boolean, isLate: boolean): string | undefined {
  if (isCopy) return 'it is a copy of an entry.';
  if (!isGenuine) return 'the server did not write it.';
  // Written a moment ago, it is sealed with the next batch.
  return isLate ? 'it was put in after its neighbours were sealed.' : undefined;
}

function toLine(organizationId: OrganizationId, row: store.ChainedRow, previous: string): AuditLine {
  const { position, hash, chained_seq: seq, entry } = row;
  const place = { line: 'entry', organization_id: organizationId, position, previous, hash, seq } as const;
  // The place is the chain's: an entry of another number that was slipped in does not match the hash.
  return entry === undefined
    ? place
    : { ...place, ...toHashed(entry, position, previous), organization_id: organizationId };
}
