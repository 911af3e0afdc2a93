import { Readable } from 'node:stream';
import { newId } from '@groundcrew/kit';
import {
  ARCHIVE_LIMITS,
  type Configuration,
  type ConfigurationCreate,
  type ConfigurationId,
  type OrganizationId,
  type Page,
  type PageQuery,
  type WorkspaceId,
} from '@groundcrew/protocol';
import type { BlobStore, StoredBlob } from '../../platform/blobs/index.ts';
import { type Database, transaction } from '../../platform/database/index.ts';
import {
  decodeNumberCursor,
  notFound,
  type RawAnswer,
  rawAnswer,
  toPage,
  type UserCaller,
} from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { inspectArchive } from './inspect-archive.ts';
import { packInline } from './pack-inline.ts';
import {
  type ConfigurationRow,
  findArchive,
  findConfiguration,
  insertConfiguration,
  listConfigurations,
} from './store.ts';

export interface ConfigurationsDeps {
  db: Database;
  blobs: BlobStore;
  recordChange: RecordChange;
  /** Throws not-found. */
  getWorkspaceId: (organizationId: OrganizationId, idOrName: string) => Promise<WorkspaceId>;
}

/** What is known of a configuration before its bytes are stored. */
interface Origin {
  id: ConfigurationId;
  workspaceId: WorkspaceId;
  source: 'archive' | 'inline';
  message: string;
}

/** The code of workspaces. Each upload is a new configuration; nothing in one ever changes. */
export function createConfigurationsService({ db, blobs, recordChange, getWorkspaceId }: ConfigurationsDeps) {
  const startOrigin = async (
    caller: UserCaller,
    idOrName: string,
    source: Origin['source'],
    message: string,
  ): Promise<Origin> => ({
    id: newId('cv') as ConfigurationId,
    workspaceId: await getWorkspaceId(caller.organizationId, idOrName),
    source,
    message,
  });

  /** Stores a `.tar.gz` as it comes, looking into it in the same pass. Errors: `invalid_archive`, `checksum_mismatch`, `too_large`. */
  async function upload(
    caller: UserCaller,
    idOrName: string,
    bytes: AsyncIterable<Uint8Array>,
    { checksum, message }: { checksum: string; message: string },
  ): Promise<Configuration> {
    const origin = await startOrigin(caller, idOrName, 'archive', message);
    let files = 0;
    const inspected = inspectArchive(bytes, (count) => {
      files = count;
    });
    const blob = await blobs.put(db, ownerOf(caller, origin), inspected, {
      maxBytes: ARCHIVE_LIMITS.maxArchiveBytes,
      expectedSha256: checksum,
    });
    return keep(caller, origin, blob, files);
  }

  /** Stores inline files; from then on they are an archive like any other. */
  async function create(caller: UserCaller, idOrName: string, body: ConfigurationCreate): Promise<Configuration> {
    const origin = await startOrigin(caller, idOrName, 'inline', body.message);
    const { archive, files } = await packInline(body);
    const blob = await blobs.put(db, ownerOf(caller, origin), archive, { maxBytes: ARCHIVE_LIMITS.maxArchiveBytes });
    return keep(caller, origin, blob, files);
  }

  const ownerOf = (caller: UserCaller, { id }: Origin) => ({
    organizationId: caller.organizationId,
    purpose: 'configuration',
    subjectId: id,
  });

  /** Makes stored bytes the newest configuration. If that fails they are removed; after a crash the sweep does it. */
  async function keep(
    caller: UserCaller,
    { id, workspaceId, source, message }: Origin,
    { blobId, sha256, size }: StoredBlob,
    files: number,
  ): Promise<Configuration> {
    try {
      return await transaction(db, async (tx) => {
        const row = {
          id,
          organization_id: caller.organizationId,
          workspace_id: workspaceId,
          source,
          blob_id: blobId,
          checksum: sha256,
          size,
          files,
          message,
          created_by: caller.name,
        };
        const stored = await insertConfiguration(tx, row);
        if (stored === undefined) throw notFound('workspace', workspaceId);
        await recordChange(tx, {
          caller,
          action: 'create',
          noun: 'configuration',
          subjectId: id,
          subjectName: `${stored.number}`,
          workspaceId,
          after: { number: stored.number, source, checksum: sha256, size, files, message },
        });
        return present(stored);
      });
    } catch (error) {
      await blobs.remove(db, blobId).catch(() => {});
      throw error;
    }
  }

  async function list(
    caller: UserCaller,
    idOrName: string,
    { limit, cursor }: PageQuery,
  ): Promise<Page<Configuration>> {
    const workspaceId = await getWorkspaceId(caller.organizationId, idOrName);
    const below = cursor === undefined ? undefined : decodeNumberCursor(cursor);
    const rows = await listConfigurations(db, caller.organizationId, workspaceId, below, limit + 1);
    return toPage(rows, limit, present, ({ number }) => String(number));
  }

  async function download(caller: UserCaller, idOrName: string, id: ConfigurationId): Promise<RawAnswer> {
    const workspaceId = await getWorkspaceId(caller.organizationId, idOrName);
    const row = await findConfiguration(db, caller.organizationId, workspaceId, id);
    if (row === undefined) throw notFound('configuration', id);
    const headers = {
      'content-length': String(row.size),
      'x-content-sha256': row.checksum,
      'content-disposition': `attachment; filename="configuration-${row.number}.tar.gz"`,
    };
    return rawAnswer({ stream: Readable.from(blobs.open(db, row.blob_id), { objectMode: false }), headers });
  }

  return { upload, create, list, download, findArchive: (id: string) => findArchive(db, id) };
}

const present = (row: ConfigurationRow): Configuration =>
  ({
    id: row.id,
    workspace_id: row.workspace_id,
    number: row.number,
    source: row.source,
    checksum: row.checksum,
    size: row.size,
    files: row.files,
    message: row.message,
    created_by: row.created_by,
    created_at: row.created_at.toISOString(),
  }) as Configuration;
