import type { AuditEntry, AuditQuery, OrganizationId, Page } from '@groundcrew/protocol';
import type { Executor } from '../../platform/database/index.ts';
import { decodeNumberCursor, type Handlers, toPage } from '../../platform/http/index.ts';
import type { Emit } from '../events/index.ts';
import type { Change } from './change.ts';
import { type AuditRow, insertEntry, listEntries } from './store.ts';

/**
 * Records a change in the transaction that makes it: one row for the audit log, one event for those who follow, and the word to
 * the `Idempotency-Key`, if the call carries one, that it is done. Every change calls it exactly where it is made.
 */
export type RecordChange = (tx: Executor, change: Change) => Promise<void>;

export const createRecordChange =
  (emit: Emit): RecordChange =>
  async (tx, change) => {
    const { caller, action, noun, subjectId, subjectName, workspaceId } = change;
    const event = { noun, id: subjectId, kind: action, workspaceId };
    await Promise.all([
      insertEntry(tx, change),
      emit(tx, {
        ...event,
        organizationId: caller.organizationId,
        data: subjectName === undefined ? {} : { name: subjectName },
      }),
      caller.kind === 'system' ? undefined : caller.request.claim?.commit(tx),
    ]);
  };

/** Reads the audit log. */
export function createAuditModule({ db }: { db: Executor }) {
  async function list(organizationId: OrganizationId, query: AuditQuery): Promise<Page<AuditEntry>> {
    const below = query.cursor === undefined ? undefined : decodeNumberCursor(query.cursor);
    const rows = await listEntries(db, organizationId, query, below, query.limit + 1);
    return toPage(rows, query.limit, present, ({ seq }) => String(seq));
  }
  const handlers = { listAudit: ({ caller, query }) => list(caller.organizationId, query) } satisfies Partial<Handlers>;
  return { handlers };
}

const present = (row: AuditRow): AuditEntry => ({ ...row, at: row.at.toISOString() });
