import { newId } from '@groundcrew/kit';
import {
  type AttemptId,
  MAX_STATE_BYTES,
  type OrganizationId,
  type StateMark,
  type StateVersionId,
  type TaskId,
  type WorkspaceId,
} from '@groundcrew/protocol';
import type { BlobStore } from '../../platform/blobs/index.ts';
import type { Database, Executor } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { StateContext, StateDecider, StoreStateEffect } from './decision.ts';
import { createStateScanner, type StateHeader, withSerial } from './state-header.ts';
import * as store from './store.ts';

/** Bytes that are kept already, waiting for the decision what they are. */
interface Kept {
  blobId: string;
  size: number;
  checksum: string;
  header: StateHeader;
}

/** What `decide` hands through to {@link createStateService}'s `storeState`. */
interface NewVersion extends Kept {
  createdBy: string;
  message: string;
}

export interface StateDeps {
  db: Database;
  blobs: BlobStore;
  decider: () => StateDecider;
  emit: (
    tx: Executor,
    event: {
      organizationId: OrganizationId;
      noun: 'state';
      id: string;
      kind: string;
      workspaceId: string;
      data: unknown;
    },
  ) => Promise<void>;
}

/** A state that Terraform wrote during an attempt, on its way in. */
export interface IncomingState {
  bytes: AsyncIterable<Buffer> | Buffer;
  checksum: string;
  lineage?: string | undefined;
  serial?: number | undefined;
}

export interface Person {
  organizationId: OrganizationId;
  userId: string;
  name: string;
}

/**
 * States: numbered by the server in the transaction that makes them what they are. The bytes are sealed and stored first; what
 * they count as is then decided under the workspace's lock, by the life cycle alone.
 */
export function createStateService({ db, blobs, decider, emit }: StateDeps) {
  /** Keeps the bytes exactly as they came, checking checksum and header in the same pass. */
  async function keep(
    organizationId: OrganizationId,
    subjectId: string,
    bytes: AsyncIterable<Buffer> | Buffer,
    expectedSha256: string | undefined,
  ): Promise<Kept> {
    const scanner = createStateScanner();
    async function* seen() {
      for await (const chunk of Buffer.isBuffer(bytes) ? [bytes] : bytes) {
        scanner.push(chunk);
        yield chunk;
      }
    }
    const blob = await blobs.put(db, { organizationId, purpose: 'state', subjectId }, seen(), {
      maxBytes: MAX_STATE_BYTES,
      ...(expectedSha256 ? { expectedSha256 } : {}),
    });
    const result = scanner.end();
    if ('header' in result)
      return { blobId: blob.blobId, size: blob.size, checksum: blob.sha256, header: result.header };
    await blobs.remove(db, blob.blobId);
    throw new AppError('invalid_state', result.mistake);
  }

  const markOf = ({ header, checksum }: Kept): StateMark => ({
    lineage: header.lineage,
    serial: header.serial,
    checksum,
  });

  /** A state written by an attempt's Terraform: stored whatever it counts as. The same again is the same version. */
  async function postFromAttempt(
    attempt: { organizationId: OrganizationId; taskId: TaskId; attemptId: AttemptId },
    incoming: IncomingState,
  ) {
    const id = newId('sv') as StateVersionId;
    const kept = await keep(attempt.organizationId, id, incoming.bytes, incoming.checksum);
    await refuseOtherHeader(kept, incoming);
    const extra: NewVersion = { ...kept, createdBy: `attempt ${attempt.attemptId}`, message: '' };
    const taken = await decider().decide(
      attempt.taskId,
      { kind: 'state_posted', id, mark: markOf(kept) },
      { attemptId: attempt.attemptId, extra },
    );
    if (taken.again) await blobs.remove(db, kept.blobId);
    const version = await store.findVersion(db, attempt.organizationId, taken.id);
    return { ...taken, version: version?.version ?? 0 };
  }

  async function refuseOtherHeader(kept: Kept, { lineage, serial }: IncomingState): Promise<void> {
    const { header } = kept;
    if ((lineage ?? header.lineage) === header.lineage && (serial ?? header.serial) === header.serial) return;
    await blobs.remove(db, kept.blobId);
    throw new AppError(
      'invalid_state',
      `The state says lineage ${header.lineage}, serial ${header.serial}, but it was sent as lineage ${lineage}, serial ${serial}; nothing was stored.`,
    );
  }

  /** The life cycle's `store_state`: the row, its number, and who is no longer current, in the deciding transaction. */
  async function storeState(
    tx: Executor,
    effect: StoreStateEffect,
    context: StateContext,
    extra: unknown,
  ): Promise<void> {
    const { header, createdBy, message, blobId, size, checksum } = extra as NewVersion;
    if (effect.standing === 'current') await store.retireCurrent(tx, context.workspaceId);
    const version = await store.nextVersion(tx, context.workspaceId);
    await store.insertVersion(tx, {
      id: effect.id,
      organization_id: context.organizationId,
      workspace_id: context.workspaceId,
      version,
      serial: header.serial,
      lineage: header.lineage,
      checksum,
      size,
      blob_id: blobId,
      standing: effect.standing,
      standing_reason: effect.standing === 'current' ? null : effect.sentence,
      terraform_version: header.terraformVersion,
      resource_count: header.resourceCount,
      outputs: JSON.stringify(header.outputs),
      task_id: context.taskId ?? null,
      attempt_id: context.attemptId ?? null,
      created_by: createdBy,
      message,
    });
    await emit(tx, {
      organizationId: context.organizationId as OrganizationId,
      noun: 'state',
      id: effect.id,
      kind: effect.standing === 'current' ? 'stored' : effect.standing,
      workspaceId: context.workspaceId,
      data: { version, serial: header.serial, standing: effect.standing },
    });
  }

  /** A person's push: a new version with the next serial. An older serial or another lineage needs `force`. */
  async function push(
    person: Person,
    workspaceId: WorkspaceId,
    bytes: AsyncIterable<Buffer>,
    options: { checksum: string; force: boolean; message: string },
  ) {
    const id = newId('sv') as StateVersionId;
    const kept = await keep(person.organizationId, id, bytes, options.checksum);
    const current = await store.findCurrent(db, person.organizationId, workspaceId);
    if (current !== undefined && !options.force) await refuseBackward(kept, current);
    const same = current !== undefined && current.lineage === kept.header.lineage;
    const serial = same ? current.serial + 1 : kept.header.serial;
    return write(person, workspaceId, 'push', await renumber(person.organizationId, kept, serial), {
      newLineage: options.force,
      message: options.message,
    });
  }

  async function refuseBackward(kept: Kept, current: store.StateRow): Promise<void> {
    const { header } = kept;
    if (header.lineage === current.lineage && header.serial >= current.serial) return;
    await blobs.remove(db, kept.blobId);
    throw new AppError(
      'conflict',
      header.lineage === current.lineage
        ? `The pushed state has serial ${header.serial}, older than the current ${current.serial}; pull the current one first, or push with force.`
        : `The pushed state has lineage ${header.lineage}, the current one ${current.lineage}: they belong to different infrastructure. Push with force if you mean it.`,
    );
  }

  /** An older version becomes current again as a new one, so that nothing that was stored ever changes. */
  async function rollback(person: Person, workspaceId: WorkspaceId, number: number, message: string) {
    const version = await store.findByNumber(db, person.organizationId, workspaceId, number);
    if (version === undefined)
      throw new AppError(
        'not_found',
        `The workspace has no state version ${number}; list them to see which there are.`,
      );
    if (version.standing === 'quarantined')
      throw new AppError(
        'conflict',
        `State version ${number} is in quarantine; accept or discard it instead of rolling back to it.`,
      );
    if (version.standing === 'current')
      throw new AppError('conflict', `State version ${number} is the current one already.`);
    const current = await store.findCurrent(db, person.organizationId, workspaceId);
    const kept = await keep(person.organizationId, version.id, blobs.open(db, version.blob_id), undefined);
    const next = await renumber(person.organizationId, kept, Math.max(current?.serial ?? 0, version.serial) + 1);
    return write(person, workspaceId, 'rollback', next, {
      newLineage: true,
      message: message || `Rolled back to version ${number}`,
    });
  }

  /** A copy of kept bytes with another serial; the first copy goes. */
  async function renumber(organizationId: OrganizationId, kept: Kept, serial: number): Promise<Kept> {
    if (kept.header.serial === serial) return kept;
    const copy = await keep(
      organizationId,
      kept.blobId,
      withSerial(blobs.open(db, kept.blobId), kept.header.serialRange, serial),
      undefined,
    );
    await blobs.remove(db, kept.blobId);
    return copy;
  }

  async function write(
    person: Person,
    workspaceId: WorkspaceId,
    how: 'push' | 'rollback',
    kept: Kept,
    options: { newLineage: boolean; message: string },
  ) {
    const id = newId('sv') as StateVersionId;
    const by = { kind: 'person', id: person.userId, name: person.name } as const;
    const extra: NewVersion = { ...kept, createdBy: person.name, message: options.message };
    try {
      await decider().decideWorkspace(
        workspaceId,
        { kind: 'write_state', how, by, id, mark: markOf(kept), newLineage: options.newLineage, quarantined: null },
        { extra },
      );
    } catch (error) {
      await blobs.remove(db, kept.blobId).catch(() => undefined);
      throw error;
    }
    return getVersion(person.organizationId, id);
  }

  async function getVersion(organizationId: OrganizationId, id: StateVersionId): Promise<store.StateRow> {
    const version = await store.findVersion(db, organizationId, id);
    if (version === undefined) throw new AppError('not_found', `There is no state version ${id}.`);
    return version;
  }

  async function getWorkspaceId(organizationId: OrganizationId, idOrName: string): Promise<WorkspaceId> {
    const id = await store.findWorkspaceId(db, organizationId, idOrName);
    if (id === undefined) throw new AppError('not_found', `There is no workspace ${idOrName}.`);
    return id;
  }

  return {
    postFromAttempt,
    storeState,
    push,
    rollback,
    getVersion,
    getWorkspaceId,
    findCurrent: (organizationId: OrganizationId, workspaceId: WorkspaceId) =>
      store.findCurrent(db, organizationId, workspaceId),
    listVersions: (
      organizationId: OrganizationId,
      workspaceId: WorkspaceId,
      before: number | undefined,
      limit: number,
    ) => store.listVersions(db, organizationId, workspaceId, before, limit),
    /** The bytes, exactly as they were written. */
    open: (version: store.StateRow): AsyncIterable<Buffer> => blobs.open(db, version.blob_id),
    decideQuarantined: (tx: Executor, effect: { id: StateVersionId; accepted: boolean }) =>
      store.setStanding(
        tx,
        effect.id,
        effect.accepted ? 'past' : 'discarded',
        effect.accepted ? 'A person accepted it as a new version.' : 'A person discarded it.',
      ),
  };
}
export type StateService = ReturnType<typeof createStateService>;
