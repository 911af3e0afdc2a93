import { Readable } from 'node:stream';
import type { Logger } from '@groundcrew/kit';
import type { AuditEntry, AuditLine, AuditQuery, ChainCheckOptions, OrganizationId, Page } from '@groundcrew/protocol';
import { afterCommit, type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError, decodeNumberCursor, type Handlers, rawAnswer, toPage } from '../../platform/http/index.ts';
import type { Emit } from '../events/index.ts';
import { type Change, toEntry } from './change.ts';
import { createExport } from './export.ts';
import type { AuditKeys } from './keys.ts';
import { createMemory, type Memory } from './memory.ts';
import { createPrune } from './prune.ts';
import { createSealer } from './seal.ts';
import { insertEntry, type ListedEntry, listEntries } from './store.ts';
import { verifyLines } from './verify.ts';
import { createWitness } from './witness.ts';

export { type AuditKeys, createAuditKeys } from './keys.ts';

/** How the server writes entries: with a mark that it alone can make, and remembering them until they are sealed. */
export interface AuditPen {
  keys: AuditKeys;
  memory: Memory;
}

export const createAuditPen = (keys: AuditKeys, logger: Logger): AuditPen => ({
  keys,
  memory: createMemory(() =>
    logger.warn('More entries of the audit log wait for their seal than are remembered; the oldest is not watched.'),
  ),
});

/**
 * Records a change in the transaction that makes it: one row for the audit log, one event for those who follow, and the word to
 * the `Idempotency-Key`, if the call carries one, that it is done. Every change calls it exactly where it is made.
 */
export type RecordChange = (tx: Executor, change: Change) => Promise<void>;

export const createRecordChange =
  (emit: Emit, pen: AuditPen): RecordChange =>
  async (tx, change) => {
    const { caller, action, noun, subjectId, subjectName, workspaceId } = change;
    const event = { noun, id: subjectId, kind: action, workspaceId };
    await Promise.all([
      writeEntry(tx, change, pen),
      change.hasEvent
        ? undefined
        : emit(tx, {
            ...event,
            organizationId: caller.organizationId,
            data: subjectName === undefined ? {} : { name: subjectName },
          }),
      caller.kind === 'system' ? undefined : caller.request.claim?.commit(tx),
    ]);
  };

/**
 * Records that somebody was given a secret, before they get it: a row for the audit log, and no event, since nothing changed. To
 * be called outside a transaction; the secret may be handed out once it resolves.
 */
export type RecordAccess = (access: Omit<Change, 'before'>) => Promise<void>;

export const createRecordAccess =
  (db: Database, pen: AuditPen): RecordAccess =>
  (access) =>
    transaction(db, (tx) => writeEntry(tx, access, pen));

async function writeEntry(tx: Executor, change: Change, { keys, memory }: AuditPen): Promise<void> {
  const entry = toEntry(change);
  const stamp = keys.stamp(entry);
  const seq = await insertEntry(tx, entry, stamp);
  if (seq === undefined) throw new Error('The database took no entry of the audit log, so the change is not made.');
  afterCommit(tx, () => memory.note({ seq, stamp, entry }));
}

export interface AuditDeps {
  db: Database;
  pen: AuditPen;
  logger: Logger;
}

/** Reads the audit log, seals it and proves it. */
export function createAuditModule({ db, pen, logger }: AuditDeps) {
  const { keys, memory } = pen;
  const sealer = createSealer({ db, keys, logger });
  const { lines, readHead } = createExport({ db, keys, sealer });
  const record = (tx: Executor, change: Change): Promise<void> => writeEntry(tx, change, pen);
  const witness = createWitness({ db, keys, memory, record, logger });

  async function list(organizationId: OrganizationId, query: AuditQuery): Promise<Page<AuditEntry>> {
    const below = query.cursor === undefined ? undefined : decodeNumberCursor(query.cursor);
    const rows = await listEntries(db, organizationId, query, below, query.limit + 1);
    return toPage(rows, query.limit, present, ({ seq }) => String(seq));
  }

  /** Follows the whole log, or the part that is not older than `since`. */
  const verify = (
    organizationId: OrganizationId,
    { anchor, since }: { anchor?: ChainCheckOptions['anchor']; since?: string | undefined } = {},
  ) => verifyLines(lines(organizationId, since), { anchor, publicKey: keys.publicKey });

  const handlers = {
    listAudit: ({ caller, query }) => list(caller.organizationId, query),
    exportAudit: async ({ caller, query }) =>
      rawAnswer({ stream: Readable.from(toNdjson(lines(caller.organizationId, query.since)), { objectMode: false }) }),
    verifyAudit: ({ caller, query: { anchor_hash: hash, anchor_position: position, since } }) => {
      if ((hash === undefined) !== (position === undefined))
        throw new AppError(
          'invalid_request',
          'An anchor is both anchor_position and anchor_hash; give both or neither.',
        );
      const anchor = hash === undefined || position === undefined ? undefined : { hash, position };
      return verify(caller.organizationId, { anchor, since });
    },
    getAuditHead: async ({ caller }) => ({
      ...(await readHead(caller.organizationId)),
      public_key: keys.publicKey,
    }),
  } satisfies Partial<Handlers>;

  const prune = createPrune({ db, keys, verify, record });
  return { handlers, sealer, witness, verify, prune };
}

async function* toNdjson(lines: AsyncIterable<AuditLine>): AsyncGenerator<string> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`;
}

const present = ({ at, ...row }: ListedEntry): AuditEntry => ({ ...row, at: at.toISOString() });
