import { newId } from '@groundcrew/kit';
import type { OrganizationId, StateComparison, StateVersionId, WorkspaceId } from '@groundcrew/protocol';
import type { BlobStore } from '../../platform/blobs/index.ts';
import type { Database, Executor } from '../../platform/database/index.ts';
import { AppError, type AttemptCaller } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { createStateComparer } from './compare.ts';
import { createDecidedWrites, type NewVersion } from './decided-writes.ts';
import type { StateContext, StateDecider, StoreStateEffect } from './decision.ts';
import { createKeptStates, type Kept, markOf } from './kept-states.ts';
import * as store from './store.ts';

export interface StateDeps {
  db: Database;
  blobs: BlobStore;
  decider: () => StateDecider;
  recordChange: RecordChange;
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

/**
 * States: numbered by the server in the transaction that makes them what they are. The bytes are sealed and stored first; what
 * they count as is then decided under the workspace's lock, by the life cycle alone.
 */
export function createStateService({ db, blobs, decider, recordChange, emit }: StateDeps) {
  const kept = createKeptStates({ db, blobs });
  const writes = createDecidedWrites({ db, kept, decider, recordChange, getVersion });
  const comparer = createStateComparer({ db, blobs });

  /** A state written by an attempt's Terraform: stored whatever it counts as. The same again is the same version. */
  async function postFromAttempt(attempt: AttemptCaller, incoming: IncomingState) {
    const id = newId('sv') as StateVersionId;
    const came = await kept.keep(attempt.organizationId, id, incoming.bytes, incoming.checksum);
    await refuseOtherHeader(came, incoming);
    const extra: NewVersion = { ...came, createdBy: undefined, sentBy: attempt, message: '' };
    const taken = await decider().decide(
      attempt.taskId,
      { kind: 'state_posted', id, mark: markOf(came) },
      { attemptId: attempt.attemptId, extra },
    );
    if (taken.again) await kept.remove(came);
    const version = await store.findVersion(db, attempt.organizationId, taken.id);
    return { ...taken, version: version?.version ?? 0 };
  }

  async function refuseOtherHeader(came: Kept, { lineage, serial }: IncomingState): Promise<void> {
    const { header } = came;
    if ((lineage ?? header.lineage) === header.lineage && (serial ?? header.serial) === header.serial) return;
    await kept.remove(came);
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
    const { header, createdBy, sentBy, message, blobId, size, checksum } = extra as NewVersion;
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
      created_by: createdBy ?? (await store.getAskedBy(tx, context.taskId)),
      message,
    });
    const { lineage, serial } = header;
    if (sentBy !== undefined)
      await recordChange(tx, {
        caller: sentBy,
        action: 'write',
        noun: 'state',
        subjectId: effect.id,
        workspaceId: context.workspaceId,
        after: { version, lineage, serial, checksum, standing: effect.standing },
        hasEvent: true,
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

  /** What a version holds that the current one does not. */
  async function compare(organizationId: OrganizationId, id: StateVersionId): Promise<StateComparison> {
    const version = await getVersion(organizationId, id);
    return comparer.compare(version, await store.findCurrent(db, organizationId, version.workspace_id));
  }

  return {
    ...writes,
    postFromAttempt,
    storeState,
    compare,
    getVersion,
    getWorkspaceId,
    findCurrent: (organizationId: OrganizationId, workspaceId: WorkspaceId) =>
      store.findCurrent(db, organizationId, workspaceId),
    listVersions: (organizationId: OrganizationId, workspaceId: WorkspaceId, page: store.StatePage) =>
      store.listVersions(db, organizationId, workspaceId, page),
    /** The bytes, exactly as they were written. */
    open: (version: store.StateRow): AsyncIterable<Buffer> => blobs.open(db, version.blob_id),
    /** The life cycle's `decide_quarantined`, with what the person said. */
    decideQuarantined: (tx: Executor, effect: { id: StateVersionId; accepted: boolean }, extra: unknown) =>
      store.setStanding(tx, effect.id, effect.accepted ? 'past' : 'discarded', (extra as NewVersion).verdict ?? ''),
  };
}
export type StateService = ReturnType<typeof createStateService>;
