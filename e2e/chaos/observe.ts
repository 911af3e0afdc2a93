import type { StateVersion, Task, WorkspaceId } from '@groundcrew/protocol';
import { type AskedTask, PATIENT, readTask, type Secret } from './asked.ts';
import type { Bed } from './bed.ts';
import { RESOURCES } from './configuration.ts';
import { expectedLog } from './expected-log.ts';
import type { LogSeen, Observation, StateSeen, TaskSeen, WorkspaceSeen } from './observation.ts';
import type { RawLog } from './traced-terraform.ts';

/** Reads everything that is compared: from the server, from the hosts, from the ledger. */
export async function observe(bed: Bed, asked: readonly AskedTask[], secret: Secret): Promise<Observation> {
  const raws = bed.hosts.flatMap((host) => host.listRawLogs());
  const tasks: TaskSeen[] = [];
  for (const task of asked) tasks.push(await observeTask(bed, task, { raws, secret }));
  const ids = [...new Set(asked.map(({ workspaceId }) => workspaceId))];
  const workspaces: WorkspaceSeen[] = [];
  for (const id of ids) workspaces.push(await observeWorkspace(bed, id));
  return { resources: RESOURCES, ledger: bed.readLedger(), tasks, workspaces, secret: secret.value };
}

interface Given {
  readonly raws: readonly RawLog[];
  readonly secret: Secret;
}

async function observeTask(bed: Bed, { id, label, workspaceId }: AskedTask, given: Given): Promise<TaskSeen> {
  const { client } = bed;
  const params = { task_id: id };
  const task = await readTask(bed, id);
  const { items: attempts } = await client.call('listAttempts', { params }, PATIENT);
  const { items: events } = await client.call('listTaskEvents', { params, query: { limit: 200 } }, PATIENT);
  return {
    id,
    label,
    workspaceId,
    status: task.status,
    words: [wordsOf(task), ...events.map(({ message, data }) => `${message} ${JSON.stringify(data)}`)].join('\n'),
    mayHaveApplied: attempts.some(({ permit }) => permit === 'used'),
    mayLackOutput: bed.cramped.has(id),
    lastState: await findLastState(bed, workspaceId, id),
    logs: await observeLogs(bed, id, new Set(attempts.map((attempt) => attempt.id)), given),
  };
}

const wordsOf = ({ reason, error_message }: Task): string => `${reason?.code} ${reason?.message} ${error_message}`;

async function findLastState(
  { client }: Bed,
  workspaceId: WorkspaceId,
  taskId: Task['id'],
): Promise<StateSeen | undefined> {
  const params = { workspace_id: workspaceId };
  let own: StateVersion | undefined;
  let cursor: string | null | undefined;
  // The newest come first; those of one attempt stand together, so that its last is the first one met.
  do {
    const query = { limit: 200, ...(cursor ? { cursor } : {}) };
    const page = await client.call('listStateVersions', { params, query }, PATIENT);
    own = page.items.filter((version) => version.task_id === taskId).toSorted((a, b) => b.serial - a.serial)[0];
    cursor = page.next_cursor;
  } while (own === undefined && cursor);
  if (own === undefined) return undefined;
  const answer = await client.call('downloadStateVersion', { params: { state_version_id: own.id } }, PATIENT);
  return readState(await answer.bytes());
}

/** Labels of the resources in a state; a tainted one is there as well. */
function readState(bytes: Uint8Array): StateSeen {
  interface Content {
    resources: { name: string; instances: { attributes: { input?: { value: string } | string } }[] }[];
  }
  const { resources } = JSON.parse(Buffer.from(bytes).toString()) as Content;
  return Object.fromEntries(
    resources.flatMap(({ name, instances }) => {
      const input = instances[0]?.attributes.input;
      return input === undefined ? [] : [[name, typeof input === 'string' ? input : input.value]];
    }),
  );
}

async function observeWorkspace({ client }: Bed, id: WorkspaceId): Promise<WorkspaceSeen> {
  const params = { workspace_id: id };
  const { hold_task_id, locked, tf_state } = await client.call('getWorkspace', { params }, PATIENT);
  const current = tf_state === null ? undefined : await client.call('downloadState', { params }, PATIENT);
  return {
    id,
    hold: hold_task_id,
    lockedBy: locked?.by ?? null,
    currentState: current === undefined ? undefined : readState(await current.bytes()),
  };
}

/** Every log that Terraform began, and every one that the server has, of a task. */
async function observeLogs(
  bed: Bed,
  taskId: Task['id'],
  attempts: ReadonlySet<string>,
  { raws, secret }: Given,
): Promise<LogSeen[]> {
  const { items: streams } = await bed.client.call('listLogStreams', { params: { task_id: taskId } }, PATIENT);
  const logs: LogSeen[] = [];
  for (const { attempt_id: attemptId, attempt, phase } of streams) {
    const raw = raws.find((trace) => trace.attemptId === attemptId && trace.phase === phase);
    const stored = await readStored(bed, taskId, { attempt, phase });
    logs.push({ attemptId, phase, stored, expected: raw && expectedLog(raw.bytes, secret) });
  }
  const unknown = raws.filter(
    (raw) =>
      attempts.has(raw.attemptId) &&
      !logs.some(({ attemptId, phase }) => attemptId === raw.attemptId && phase === raw.phase),
  );
  const missing = unknown.map(({ attemptId, phase, bytes }) => ({
    attemptId,
    phase,
    stored: Buffer.alloc(0),
    expected: expectedLog(bytes, secret),
  }));
  return [...logs, ...missing];
}

async function readStored(
  { client }: Bed,
  taskId: Task['id'],
  query: { attempt: number; phase: LogSeen['phase'] },
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let offset = 0; ; ) {
    const params = { task_id: taskId };
    const part = await client.call('readLog', { params, query: { ...query, offset, limit: 4_194_304 } }, PATIENT);
    chunks.push(Buffer.from(part.content_base64, 'base64'));
    offset = part.next_offset;
    if (offset >= part.length) return Buffer.concat(chunks);
  }
}
