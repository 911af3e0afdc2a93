import type { Logger } from '@groundcrew/kit';
import type { OrganizationId } from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { EMPTY_TIP, isGenuine } from './chain.ts';
import type { Change } from './change.ts';
import type { AuditKeys } from './keys.ts';
import type { Memory, WrittenEntry } from './memory.ts';
import { readSettled } from './seal-store.ts';
import { type Found, findWritten } from './witness-store.ts';

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
