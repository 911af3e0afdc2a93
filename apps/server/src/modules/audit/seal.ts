import type { Logger } from '@groundcrew/kit';
import type { OrganizationId } from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { chainOn, signHead, type UnsealedEntry } from './chain.ts';
import type { AuditKeys } from './keys.ts';
import * as store from './seal-store.ts';

export interface SealerDeps {
  db: Database;
  keys: AuditKeys;
  logger: Logger;
}

/** Entries that one transaction seals. */
const BATCH = 500;

/** A number that will be settled once these transactions are over. */
interface Settling {
  upTo: number;
  writers: ReadonlySet<string>;
}

/**
 * Gives committed entries their places in the chain of their organisation. Sealing stands beside the transactions that write
 * entries, so that these never wait for each other (docs/adr/0007); the order of the chain is the order in which it finds them.
 */
export function createSealer({ db, keys, logger }: SealerDeps) {
  let settling: Settling | undefined;
  const told = new Set<number>();

  /**
   * Seals everything that was committed before the call.
   *
   * @param wait for a sealer of another replica; otherwise it is left to that one
   */
  async function seal({ wait = true } = {}): Promise<void> {
    for (let goOn = true; goOn; )
      goOn = await transaction(db, async (tx) => (await store.lockSealing(tx, wait)) && sealBatch(tx));
  }

  /** Gives whether there is more. */
  async function sealBatch(tx: Executor): Promise<boolean> {
    const settled = await store.readSettled(tx);
    const decided = await findDecided(tx, settled);
    // Read after the writers were: whatever is decided is visible now.
    const entries = await store.listUnsealed(tx, settled, BATCH);
    let sealed = 0;
    for (const [organizationId, group] of groupByOrganization(entries))
      sealed += await sealOrganization(tx, organizationId as OrganizationId, group);
    const isAll = entries.length < BATCH;
    // What nobody chains must not stand in the way of what comes after it.
    const passable = isAll ? decided : Math.min(decided, entries.at(-1)?.seq ?? decided);
    if (passable > settled) await store.writeSettled(tx, passable);
    return !isAll && (sealed > 0 || passable > settled);
  }

  async function findDecided(tx: Executor, settled: number): Promise<number> {
    const last = await store.readLastSeq(tx);
    if (last <= settled) return settled;
    const writers = new Set(await store.listWriters(tx));
    if (writers.size === 0) {
      settling = undefined;
      return last;
    }
    const before = settling;
    if (before === undefined || [...before.writers].every((id) => !writers.has(id))) settling = { upTo: last, writers };
    // After a failover the number may be one that the database has not come to again.
    return before !== undefined && before !== settling ? Math.max(settled, Math.min(before.upTo, last)) : settled;
  }

  async function sealOrganization(
    tx: Executor,
    id: OrganizationId,
    entries: readonly UnsealedEntry[],
  ): Promise<number> {
    const tip = await store.findTip(tx, id);
    if (tip === undefined) return tellBroken(id);
    const fresh = withoutCopies(
      entries,
      await store.listUsedStamps(
        tx,
        id,
        entries.flatMap(({ stamp }) => stamp ?? []),
      ),
    );
    const { links, strays, tip: end } = chainOn(tip, fresh, keys);
    warn(entries.filter((entry) => strays.includes(entry) || !fresh.includes(entry)));
    if (links.length === 0) return 0;
    await store.insertLinks(tx, links);
    await store.writeHead(tx, signHead(id, end, await store.readNow(tx), keys));
    return links.length;
  }

  /** Other organisations go on. */
  function tellBroken(organizationId: OrganizationId): number {
    logger.error({ organizationId }, 'The audit log was changed behind the server: its head does not fit. Verify it.');
    return 0;
  }

  function warn(strays: readonly UnsealedEntry[]): void {
    for (const { seq, organization_id } of strays.filter(({ seq }) => !told.has(seq))) {
      told.add(seq);
      logger.error({ seq, organizationId: organization_id }, 'A row of the audit log was not written by the server.');
    }
  }

  return { seal };
}
export type Sealer = ReturnType<typeof createSealer>;

/** A stamp is good for one row. */
function withoutCopies(entries: readonly UnsealedEntry[], used: ReadonlySet<string>): UnsealedEntry[] {
  const seen = new Set(used);
  return entries.filter(({ stamp }) => {
    const isCopy = stamp !== null && seen.has(stamp);
    if (stamp !== null) seen.add(stamp);
    return !isCopy;
  });
}

function groupByOrganization(entries: readonly UnsealedEntry[]): Map<string, UnsealedEntry[]> {
  return Map.groupBy(entries, ({ organization_id }) => organization_id);
}
