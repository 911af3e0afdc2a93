import { newId } from '@groundcrew/kit';
import type { OrganizationId, StateAcceptance, StateVersionId, WorkspaceId } from '@groundcrew/protocol';
import type { Database, Executor } from '../../platform/database/index.ts';
import { AppError, type AttemptCaller, type UserCaller } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import type { StateDecider } from './decision.ts';
import { type Kept, type KeptStates, markOf } from './kept-states.ts';
import * as store from './store.ts';

export interface DecidedWritesDeps {
  db: Database;
  kept: KeptStates;
  decider: () => StateDecider;
  recordChange: RecordChange;
  getVersion: (organizationId: OrganizationId, id: StateVersionId) => Promise<store.StateRow>;
}

/** What `decide` hands through to the rows of a new version, and of a decision about a quarantined one. */
export interface NewVersion extends Kept {
  /** The person who wrote it; undefined for an attempt's, which is written in the name of whoever asked for its task. */
  createdBy: string | undefined;
  /** The attempt that sent it. */
  sentBy?: AttemptCaller;
  message: string;
  /** Why a quarantined version was decided about as it was. */
  verdict?: string;
}

interface Write {
  how: 'push' | 'rollback' | 'accept';
  newLineage: boolean;
  message: string;
  quarantined?: store.StateRow;
  discarded?: readonly store.StateRow[];
}

/** States that people write: each is a new version with the next serial, and none is written while an apply has its permit. */
export function createDecidedWrites({ db, kept: states, decider, recordChange, getVersion }: DecidedWritesDeps) {
  /** An older serial or another lineage needs `force`. */
  async function push(
    caller: UserCaller,
    workspaceId: WorkspaceId,
    bytes: AsyncIterable<Buffer>,
    options: { checksum: string; force: boolean; message: string },
  ): Promise<store.StateRow> {
    const { organizationId } = caller;
    const id = newId('sv') as StateVersionId;
    const kept = await states.keep(organizationId, id, bytes, options.checksum);
    const current = await store.findCurrent(db, organizationId, workspaceId);
    if (current !== undefined && !options.force) await refuseBackward(kept, current);
    const same = current !== undefined && current.lineage === kept.header.lineage;
    const next = await states.renumber(organizationId, id, kept, same ? current.serial + 1 : kept.header.serial);
    return write(caller, workspaceId, id, next, { how: 'push', newLineage: options.force, message: options.message });
  }

  async function refuseBackward(kept: Kept, current: store.StateRow): Promise<void> {
    const { header } = kept;
    if (header.lineage === current.lineage && header.serial >= current.serial) return;
    await states.remove(kept);
    throw new AppError(
      'conflict',
      header.lineage === current.lineage
        ? `The pushed state has serial ${header.serial}, older than the current ${current.serial}; pull the current one first, or push with force.`
        : `The pushed state has lineage ${header.lineage}, the current one ${current.lineage}: they belong to different infrastructure. Push with force if you mean it.`,
    );
  }

  /** An older version becomes current again as a new one, so that nothing that was stored ever changes. */
  async function rollback(
    caller: UserCaller,
    workspaceId: WorkspaceId,
    number: number,
    message: string,
  ): Promise<store.StateRow> {
    const { organizationId } = caller;
    const version = await store.findByNumber(db, organizationId, workspaceId, number);
    if (version === undefined)
      throw new AppError(
        'not_found',
        `The workspace has no state version ${number}; list them to see which there are.`,
      );
    refuseRollback(version);
    const current = await store.findCurrent(db, organizationId, workspaceId);
    const id = newId('sv') as StateVersionId;
    const serial = Math.max(current?.serial ?? 0, version.serial) + 1;
    const next = await states.copy(organizationId, id, version.blob_id, serial);
    return write(caller, workspaceId, id, next, {
      how: 'rollback',
      newLineage: true,
      message: message || `Rolled back to version ${number}`,
    });
  }

  /** A quarantined version becomes current as a new one, with the serial after the current one's. */
  async function accept(
    caller: UserCaller,
    versionId: StateVersionId,
    { reason, force, discard_older }: StateAcceptance,
  ): Promise<store.StateRow> {
    const { organizationId } = caller;
    const version = await getVersion(organizationId, versionId);
    if (version.standing !== 'quarantined') throw notInQuarantine(version);
    const current = await store.findCurrent(db, organizationId, version.workspace_id);
    const same = current === undefined || current.lineage === version.lineage;
    if (!same && !force) throw otherLineage(version, current);
    const id = newId('sv') as StateVersionId;
    const serial = current !== undefined && same ? current.serial + 1 : version.serial;
    const next = await states.copy(organizationId, id, version.blob_id, serial);
    const message = `Accepted version ${version.version} from quarantine: ${reason}`;
    const discarded = discard_older ? await store.listOlderQuarantined(db, version) : [];
    const how = { how: 'accept', newLineage: force, message, quarantined: version, discarded } as const;
    return write(caller, version.workspace_id, id, next, how);
  }

  async function write(
    caller: UserCaller,
    workspaceId: WorkspaceId,
    id: StateVersionId,
    kept: Kept,
    { how, newLineage, message, quarantined, discarded = [] }: Write,
  ): Promise<store.StateRow> {
    const by = { kind: 'person', id: caller.userId, name: caller.name } as const;
    const extra: NewVersion = { ...kept, createdBy: caller.name, message, verdict: `${caller.name}: ${message}` };
    const mark = markOf(kept);
    try {
      await decider().decideWorkspace(
        workspaceId,
        {
          kind: 'write_state',
          ...{ how, by, id, mark, newLineage },
          quarantined: quarantined?.id ?? null,
          discarded: discarded.map((version) => version.id),
        },
        {
          extra,
          also: async (tx, { undecided }) => {
            await recordChange(tx, {
              caller,
              action: how,
              noun: 'state',
              subjectId: id,
              workspaceId,
              after: { ...mark, message, new_lineage: newLineage, quarantined: quarantined?.id },
            });
            for (const version of discarded)
              if (undecided.includes(version.id)) await recordDiscard(tx, caller, version, message);
          },
        },
      );
    } catch (error) {
      await states.remove(kept).catch(() => undefined);
      throw error;
    }
    return getVersion(caller.organizationId, id);
  }

  /** A person decides against a quarantined version. Its content is kept. */
  async function discard(caller: UserCaller, versionId: StateVersionId, reason: string): Promise<store.StateRow> {
    const version = await getVersion(caller.organizationId, versionId);
    if (version.standing !== 'quarantined') throw notInQuarantine(version);
    await decider().decideWorkspace(
      version.workspace_id,
      { kind: 'discard_quarantined', id: versionId },
      {
        extra: { verdict: `${caller.name} discarded it: ${reason}` },
        also: async (tx, { undecided }) => {
          if (undecided.includes(versionId)) await recordDiscard(tx, caller, version, reason);
        },
      },
    );
    const decided = await getVersion(caller.organizationId, versionId);
    // Somebody accepted it in between.
    if (decided.standing !== 'discarded') throw notInQuarantine(decided);
    return decided;
  }

  const recordDiscard = (tx: Executor, caller: UserCaller, version: store.StateRow, reason: string): Promise<void> =>
    recordChange(tx, {
      caller,
      action: 'discard',
      noun: 'state',
      subjectId: version.id,
      workspaceId: version.workspace_id,
      after: { version: version.version, reason },
    });

  return { push, rollback, accept, discard };
}

function refuseRollback({ version, standing }: store.StateRow): void {
  if (standing === 'quarantined')
    throw new AppError(
      'conflict',
      `State version ${version} is in quarantine; accept or discard it instead of rolling back to it.`,
    );
  if (standing === 'current') throw new AppError('conflict', `State version ${version} is the current one already.`);
}

const notInQuarantine = ({ version, standing }: store.StateRow): AppError =>
  new AppError(
    'conflict',
    `State version ${version} is not in quarantine (${standing}); there is nothing to decide about it.`,
  );

const otherLineage = ({ version, lineage }: store.StateRow, current: store.StateRow): AppError =>
  new AppError(
    'conflict',
    `State version ${version} has lineage ${lineage}, the current one ${current.lineage}: they belong to different infrastructure. Accept it with force if you mean it.`,
  );
