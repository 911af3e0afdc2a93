import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { LogChunkHeaders, MAX_CHUNK_BYTES, StateHeaders, type TaskId } from '@groundcrew/protocol';
import type { z } from 'zod';
import type { BlobStore } from '../../platform/blobs/index.ts';
import type { Executor } from '../../platform/database/index.ts';
import {
  AppError,
  type AttemptCaller,
  type Handlers,
  invalidRequest,
  type RawBody,
  rawAnswer,
  readRaw,
} from '../../platform/http/index.ts';
import type { RecordAccess } from '../audit/index.ts';
import type { IncomingChunk, LogsService } from '../logs/index.ts';
import { type StateService, stateAnswer } from '../state/index.ts';
import type { AttemptsService } from './attempts-service.ts';
import { finishFromStatus } from './status-finish.ts';

export interface AttemptRoutesDeps {
  db: Executor;
  attempts: AttemptsService;
  logs: LogsService;
  recordAccess: RecordAccess;
  state: StateService;
  blobs: BlobStore;
  logIntervalMs: (taskId: TaskId) => number;
  findConfiguration: (id: string) => Promise<{ blobId: string; checksum: string; size: number } | undefined>;
}

/** Most configurations are a few files; these go along with the data. */
const INLINE_ARCHIVE_BYTES = 128 * 1024;

/** What an attempt says and asks with its own credential. */
export function createAttemptHandlers({
  db,
  attempts,
  logs,
  recordAccess,
  state,
  blobs,
  logIntervalMs,
  findConfiguration,
}: AttemptRoutesDeps) {
  const download = (blob: { blobId: string; checksum: string; size: number }) =>
    rawAnswer({
      stream: Readable.from(blobs.open(db, blob.blobId), { objectMode: false }),
      headers: { 'content-length': String(blob.size), 'x-content-sha256': blob.checksum },
    });

  /** The archive as a part of the data, if it is small enough. */
  async function readSmallArchive(configurationId: string | null): Promise<{ content: string } | undefined> {
    const found = configurationId === null ? undefined : await findConfiguration(configurationId);
    if (found === undefined || found.size > INLINE_ARCHIVE_BYTES) return undefined;
    return { content: (await blobs.read(db, found.blobId)).toString('base64') };
  }

  /** The path must name the task of the credential's attempt. */
  const own = (caller: AttemptCaller, taskId: TaskId): AttemptCaller => {
    if (caller.taskId !== taskId) throw new AppError('not_found', `This attempt does not belong to task ${taskId}.`);
    return caller;
  };

  async function appendChunk(caller: AttemptCaller, phase: 'plan' | 'apply', chunk: IncomingChunk) {
    const { nextOffset, savedBytes } = await attempts.appendLog(caller, phase, chunk);
    return {
      status: 'saved' as const,
      next_offset: nextOffset,
      saved_bytes: savedBytes,
      log_interval_ms: logIntervalMs(caller.taskId),
    };
  }

  /** Written down before the secret goes out: an answer that nobody knows of must not exist. */
  const recordSecrets = ({ caller, after }: { caller: AttemptCaller; after: Record<string, unknown> }) =>
    recordAccess({ caller, action: 'read_secrets', noun: 'task', subjectId: caller.taskId, after });

  return {
    acceptAttempt: ({ caller, params, body }) => attempts.accept(caller.agentId, params.task_id, body),
    rejectAttempt: ({ caller, params, body }) =>
      attempts.reject(caller.agentId, params.task_id, body.attempt_id, body.reason),
    getTaskData: async ({ caller, params, query }) => {
      const attempt = own(caller, params.task_id);
      const { configuration_id } = await attempts.demandActing(attempt);
      const [{ stateId, ...read }, content] = await Promise.all([
        attempts.readData(attempt),
        readSmallArchive(configuration_id),
      ]);
      const secrets = read.variables.filter(({ sensitive }) => sensitive).map(({ key }) => key);
      if (secrets.length > 0) await recordSecrets({ caller, after: { variables: secrets } });
      const data = { ...read, configuration: read.configuration && { ...read.configuration, ...content } };
      if (data.state_version === null || stateId === null || query.without === 'state_content') return data;
      const current = await state.findCurrent(caller.organizationId, caller.workspaceId);
      if (current?.id !== stateId)
        throw new AppError('conflict', 'The state moved on while it was being read; ask again.');
      await recordSecrets({ caller, after: { state_version: current.version } });
      return {
        ...data,
        state_version: {
          ...data.state_version,
          content: JSON.parse((await collect(state.open(current))).toString('utf8')),
        },
      };
    },
    getTaskConfiguration: async ({ caller, params }) => {
      const { configuration_id } = await attempts.demandActing(own(caller, params.task_id));
      const found = configuration_id === null ? undefined : await findConfiguration(configuration_id);
      if (found === undefined) throw new AppError('not_found', `Task ${params.task_id} has no configuration archive.`);
      return download(found);
    },
    getTaskPlanFile: async ({ caller, params }) => {
      const { action, plan_attempt_id } = await attempts.demandActing(own(caller, params.task_id));
      const found =
        action === 'apply' && plan_attempt_id !== null ? await attempts.findPlanFile(plan_attempt_id) : undefined;
      if (found === undefined) throw new AppError('not_found', `Task ${params.task_id} has no stored plan.`);
      await recordSecrets({ caller, after: { plan_of_attempt: plan_attempt_id } });
      return download({ blobId: found.blob_id, checksum: found.bundle_checksum, size: found.size });
    },
    getTaskState: async ({ caller, params }) => {
      await attempts.demandActing(own(caller, params.task_id));
      const current = await state.findCurrent(caller.organizationId, caller.workspaceId);
      if (current === undefined) throw new AppError('not_found', 'The workspace has no state yet.');
      await recordSecrets({ caller, after: { state_version: current.version } });
      return stateAnswer(state, current);
    },
    renewAttempt: ({ caller, params, body }) => attempts.renew(own(caller, params.task_id), body),
    returnAttempt: async ({ caller, params, body }) =>
      void (await attempts.giveBack(own(caller, params.task_id), body)),
    putPlanFile: ({ caller, params, headers, raw }) =>
      attempts.putPlanFile(
        own(caller, params.task_id),
        raw.stream,
        headers['x-content-sha256'],
        headers['x-plan-sha256'],
      ),
    reportPlan: ({ caller, params, body }) => attempts.reportPlan(own(caller, params.task_id), body),
    askPermit: ({ caller, params, body }) => attempts.askPermit(own(caller, params.task_id), body),
    lockState: ({ caller, params, body }) => attempts.lockState(own(caller, params.task_id), body),
    finishAttempt: ({ caller, params, body }) => attempts.finish(own(caller, params.task_id), body),
    putStatus: async ({ caller, params, body }) => {
      await attempts.demandActing(own(caller, params.task_id));
      await attempts.saveCounts(caller, body);
      if (body.status !== 'running')
        await attempts.finish(caller, await finishFromStatus({ logs, attempts }, caller, body));
      else if (body.stage !== undefined) await attempts.stage(caller, body.stage);
      return { status: body.status };
    },
    postState: async ({ caller, params, body, raw, request }) => {
      const incoming =
        body === undefined ? rawState(raw, request.headers) : { ...body, bytes: stateBytes(body.content, body.size) };
      const { standing, version, sentence } = await state.postFromAttempt(own(caller, params.task_id), incoming);
      if (standing === 'quarantined') throw new AppError('quarantined', sentence, { version, standing });
      return { message: sentence, version, standing };
    },
    appendLog: async ({ caller, params, body, raw, request }) => {
      own(caller, params.task_id);
      if (body === undefined) {
        const headers = parseHeaders(LogChunkHeaders, request.headers);
        const chunk = {
          offset: headers['x-log-offset'],
          checksum: headers['x-content-sha256'],
          writtenAt: new Date(headers['x-log-written-at'] ?? Date.now()),
          ...(await readChunk(raw)),
        };
        return appendChunk(caller, headers['x-log-phase'], chunk);
      }
      const content =
        body.content === undefined
          ? Buffer.from(body.content_base64 ?? '', 'base64')
          : Buffer.from(body.content, 'utf8');
      return appendChunk(caller, body.phase, {
        offset: body.offset,
        content,
        checksum: body.checksum,
        writtenAt: new Date(body.written_at ?? Date.now()),
      });
    },
  } satisfies Partial<Handlers>;
}

async function collect(bytes: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function stateBytes(content: string | Record<string, unknown>, size: number): Buffer {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  if (bytes.length === size) return bytes;
  throw new AppError(
    'checksum_mismatch',
    `The state has ${bytes.length} bytes, but was sent as one of ${size}; nothing was stored. Send its bytes as the body.`,
  );
}

function rawState(raw: RawBody | undefined, headers: unknown) {
  if (raw === undefined) throw new AppError('invalid_request', 'The state is missing; send it as the body.');
  const parsed = parseHeaders(StateHeaders, headers);
  return {
    bytes: raw.stream as AsyncIterable<Buffer>,
    checksum: parsed['x-content-sha256'],
    lineage: parsed['x-state-lineage'],
    serial: parsed['x-state-serial'],
  };
}

/** A chunk that came compressed is kept as it came, so it is read once as sent and unpacked only to be checked. */
async function readChunk(raw: RawBody | undefined): Promise<{ content: Buffer; compressed?: Buffer }> {
  if (raw === undefined) return { content: Buffer.alloc(0) };
  if (raw.encoding === 'identity') return { content: await readRaw(raw.stream) };
  const compressed = await readRaw(raw.asSent);
  return { content: await unpack(compressed), compressed };
}

const gunzipAsync = promisify(gunzip);

async function unpack(compressed: Buffer): Promise<Buffer> {
  try {
    return await gunzipAsync(compressed, { maxOutputLength: MAX_CHUNK_BYTES });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new AppError('too_large', `A log chunk may hold ${MAX_CHUNK_BYTES} bytes; send it in pieces.`);
    throw new AppError(
      'invalid_request',
      'The log chunk came with "Content-Encoding: gzip" but is not whole gzip data.',
      undefined,
      { cause },
    );
  }
}

/** Headers of a raw body, told like any other mistakes of a request. */
function parseHeaders<S extends z.ZodType>(schema: S, headers: unknown): z.output<S> {
  const parsed = schema.safeParse(headers);
  if (parsed.success) return parsed.data;
  throw invalidRequest(
    parsed.error.issues.map((issue) => ({ path: `headers.${issue.path.join('.')}`, message: issue.message })),
  );
}
