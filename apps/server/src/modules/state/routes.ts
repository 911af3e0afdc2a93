import { Readable } from 'node:stream';
import type { StateVersion } from '@groundcrew/protocol';
import {
  AppError,
  decodeNumberCursor,
  type Handlers,
  rawAnswer,
  toPage,
  type UserCaller,
} from '../../platform/http/index.ts';
import type { RecordAccess } from '../audit/index.ts';
import type { StateService } from './service.ts';
import type { StateRow } from './store.ts';

const presentState = (row: StateRow): StateVersion =>
  ({
    id: row.id,
    workspace_id: row.workspace_id,
    version: row.version,
    serial: row.serial,
    lineage: row.lineage,
    checksum: row.checksum,
    size: row.size,
    standing: row.standing,
    standing_reason: row.standing_reason,
    terraform_version: row.terraform_version,
    resource_count: row.resource_count,
    outputs: row.outputs,
    task_id: row.task_id,
    attempt_id: row.attempt_id,
    created_by: row.created_by,
    message: row.message,
    created_at: row.created_at.toISOString(),
  }) as StateVersion;

/** A state's bytes, with what a reader needs to know of them beside. */
export const stateAnswer = (state: StateService, row: StateRow) =>
  rawAnswer({
    stream: Readable.from(state.open(row), { objectMode: false }),
    headers: {
      'content-length': String(row.size),
      'x-content-sha256': row.checksum,
      'x-state-version': String(row.version),
      'x-state-serial': String(row.serial),
      'x-state-lineage': row.lineage,
    },
  });

export function createStateHandlers(state: StateService, recordAccess: RecordAccess) {
  /** A state is full of secrets: whoever takes one is written down before the first byte goes out. */
  async function download(caller: UserCaller, row: StateRow) {
    const what = { action: 'download', noun: 'state', subjectId: row.id, workspaceId: row.workspace_id } as const;
    await recordAccess({ caller, ...what, after: { version: row.version } });
    return stateAnswer(state, row);
  }

  return {
    listStateVersions: async ({ caller, params, query }) => {
      const workspaceId = await state.getWorkspaceId(caller.organizationId, params.workspace_id);
      const before = query.cursor === undefined ? undefined : decodeNumberCursor(query.cursor);
      const page = { before, standing: query.standing, limit: query.limit + 1 };
      const rows = await state.listVersions(caller.organizationId, workspaceId, page);
      return toPage(rows, query.limit, presentState, (row) => String(row.version));
    },
    getStateVersion: async ({ caller, params }) =>
      presentState(await state.getVersion(caller.organizationId, params.state_version_id)),
    downloadStateVersion: async ({ caller, params }) =>
      download(caller, await state.getVersion(caller.organizationId, params.state_version_id)),
    compareStateVersion: ({ caller, params }) => state.compare(caller.organizationId, params.state_version_id),
    acceptStateVersion: async ({ caller, params, body }) =>
      presentState(await state.accept(caller, params.state_version_id, body)),
    discardStateVersion: async ({ caller, params, body }) =>
      presentState(await state.discard(caller, params.state_version_id, body.reason)),
    downloadState: async ({ caller, params }) => {
      const workspaceId = await state.getWorkspaceId(caller.organizationId, params.workspace_id);
      const current = await state.findCurrent(caller.organizationId, workspaceId);
      if (current === undefined) throw new AppError('not_found', `Workspace ${params.workspace_id} has no state yet.`);
      return download(caller, current);
    },
    pushState: async ({ caller, params, query, headers, raw }) => {
      const workspaceId = await state.getWorkspaceId(caller.organizationId, params.workspace_id);
      const options = {
        checksum: headers['x-content-sha256'],
        force: query.force === 'true',
        message: query.message ?? '',
      };
      return presentState(await state.push(caller, workspaceId, raw.stream, options));
    },
    rollbackState: async ({ caller, params, body }) => {
      const workspaceId = await state.getWorkspaceId(caller.organizationId, params.workspace_id);
      return presentState(await state.rollback(caller, workspaceId, body.version, body.message));
    },
  } satisfies Partial<Handlers>;
}
