import type { OrganizationId } from '@groundcrew/protocol';
import type { Database } from '../database/index.ts';
import { readCurrent } from './current-master-key.ts';
import type { MasterKeys } from './master-keys.ts';
import { countByKey, type Resealed, reseal } from './reseal.ts';
import { type Rewrapped, rewrapKeys } from './rewrap.ts';
import { findPendingReseal, recordReseal, rotateDataKeys } from './rotation.ts';
import type { SealedColumn } from './sealed-column.ts';
import type { Sealer } from './sealer.ts';
import { countWrapped } from './verify-master-keys.ts';
import { findWrapper } from './wrapping.ts';

interface KeyKeeperDeps {
  db: Database;
  masterKeys: MasterKeys;
  sealer: Sealer;
  /** Everything that is sealed. */
  columns: readonly SealedColumn[];
}

/** Every key there is, and how much depends on it. */
export interface KeyList {
  master_keys: { fingerprint: string; at_hand: boolean; current: boolean; wrapped: number }[];
  data_keys: {
    id: string;
    organization_id: string;
    organization_name: string;
    created_at: string;
    retired_at: string | null;
    master_key: string;
    sealed: number;
  }[];
}

/** Changes keys under a running system. Each call may be cut off at any point and made again. */
export interface KeyKeeper {
  list(): Promise<KeyList>;
  rotate(organizationIds: readonly OrganizationId[]): Promise<string[]>;
  rewrap(): Promise<Rewrapped>;
  reseal(options?: Parameters<typeof reseal>[3]): Promise<Resealed>;
  /** The same for a loop: does nothing unless a rotation asked for it. */
  resealIfAsked(signal?: AbortSignal): Promise<Resealed | undefined>;
}

export function createKeyKeeper({ db, masterKeys, sealer, columns }: KeyKeeperDeps): KeyKeeper {
  async function list(): Promise<KeyList> {
    const { fingerprint, first } = await readCurrent(db);
    const [atHand, wrapped, sealed] = [
      await masterKeys.read(),
      await countWrapped(db, first),
      await countByKey(db, columns),
    ];
    const known = new Set([...atHand.map((key) => key.fingerprint), fingerprint, ...wrapped.keys()]);
    const rows = await listDataKeys(db);
    return {
      master_keys: [...known].map((each) => ({
        fingerprint: each,
        at_hand: atHand.some((key) => key.fingerprint === each),
        current: each === fingerprint,
        wrapped: wrapped.get(each) ?? 0,
      })),
      data_keys: rows.map(({ wrapped: bytes, created_at, retired_at, ...row }) => ({
        ...row,
        created_at: created_at.toISOString(),
        retired_at: retired_at?.toISOString() ?? null,
        master_key: findWrapper(bytes) ?? first,
        sealed: sealed.get(row.id) ?? 0,
      })),
    };
  }

  async function resealIfAsked(signal?: AbortSignal): Promise<Resealed | undefined> {
    const beganAt = await findPendingReseal(db);
    if (beganAt === undefined) return undefined;
    const result = await reseal(db, sealer, columns, signal === undefined ? {} : { signal });
    // What does not open will not open next time either.
    if (result.left === result.unopened.length && signal?.aborted !== true) await recordReseal(db, beganAt);
    return result;
  }

  return {
    list,
    resealIfAsked,
    rotate: (organizationIds) => rotateDataKeys(db, masterKeys, organizationIds),
    rewrap: () => rewrapKeys(db, masterKeys),
    reseal: (options) => reseal(db, sealer, columns, options),
  };
}

const listDataKeys = (db: Database) =>
  db
    .selectFrom('data_keys as k')
    .innerJoin('organizations as o', 'o.id', 'k.organization_id')
    .select(['k.id', 'k.organization_id', 'o.name as organization_name', 'k.created_at', 'k.retired_at', 'k.wrapped'])
    .orderBy('o.name')
    .orderBy('k.created_at')
    .orderBy('k.id')
    .execute();
