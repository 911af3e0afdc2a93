import type { Logger } from '@groundcrew/kit';
import type { OrganizationId } from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { EMPTY_TIP, isGenuine } from './chain.ts';
import type { Change, EntryFields } from './change.ts';
import type { AuditKeys } from './keys.ts';
import { readSettled } from './seal-store.ts';
import { type Found, findWritten } from './witness-store.ts';

/** An entry that this process wrote and whose transaction is committed. */
export interface WrittenEntry {
  readonly seq: number;
  readonly stamp: string;
  readonly entry: EntryFields;
}

/** What this process wrote and has not seen in the chain. */
export interface Memory {
  note(written: WrittenEntry): void;
  list(): readonly WrittenEntry[];
  forget(written: WrittenEntry): void;
}

/** A bound for the memory of the server while nothing is sealed. */
const MOST_REMEMBERED = 10_000;

/** @param onForgotten called when an entry had to be forgotten unseen */
export function createMemory(onForgotten: () => void): Memory {
  const remembered = new Map<string, WrittenEntry>();
  return {
    note(written) {
      const [oldest] = remembered.keys();
      if (remembered.size >= MOST_REMEMBERED && oldest !== undefined && remembered.delete(oldest)) onForgotten();
      remembered.set(written.stamp, written);
    },
    list: () => [...remembered.values()],
    forget: ({ stamp }) => void remembered.delete(stamp),
  };
}

export interface WitnessDeps {
  db: Database;
  keys: AuditKeys;
  memory: Memory;
  record: (tx: Executor, change: Change) => Promise<void>;
  logger: Logger;
}

/**
 * Between commit and seal nothing in the database shows that an entry was taken away, so whoever wrote it remembers it until it
 * stands in the chain. One that has gone, or was altered, is told of in a new entry, which says all that the old one said.
 * Nobody waits for this; it fails open when the process ends within that second.
 */
export function createWitness({ db, keys, memory, record, logger }: WitnessDeps) {
  async function look(): Promise<void> {
    const written = memory.list();
    if (written.length === 0) return;
    // Read first: whatever it covers has its place already, or never will.
    const settled = await readSettled(db);
    const found = await findWritten(db, written);
    for (const one of written) {
      const standing = judge(found.get(one.stamp), one.seq <= settled);
      if (standing === 'gone') await testify(one);
      if (standing !== 'waits') memory.forget(one);
    }
  }

  /** `left_out`: its chain is broken, which verification says of all that follows. */
  function judge(found: Found | undefined, isSettled: boolean): 'sealed' | 'waits' | 'left_out' | 'gone' {
    if (found?.isSealed) return 'sealed';
    if (found?.row === undefined || !isGenuine(found.row, EMPTY_TIP, keys)) return 'gone';
    return isSettled ? 'left_out' : 'waits';
  }

  async function testify({ seq, entry }: WrittenEntry): Promise<void> {
    const organizationId = entry.organization_id as OrganizationId;
    logger.error({ seq, organizationId }, 'An entry was taken out of the audit log or altered before it was sealed.');
    await transaction(db, (tx) =>
      record(tx, {
        caller: { kind: 'system', organizationId, name: 'audit witness' },
        action: 'lose_audit_entry',
        noun: 'organization',
        subjectId: organizationId,
        after: { seq, ...entry },
      }),
    );
  }

  return { look };
}
