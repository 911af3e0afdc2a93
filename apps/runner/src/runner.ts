import { ApiError, type Client, createClient } from '@groundcrew/client';
import { createHttpTransport } from '@groundcrew/client/node';
import { type Clock, type Logger, type Random, tryLockFile } from '@groundcrew/kit';
import type { RunnerBirth, RunnerTask } from '@groundcrew/protocol';
import { attemptToken } from './control-plane/index.ts';
import { type AttemptFolder, createFolders, findTask, readBirth, readSecret } from './folder/index.ts';
import { createWishes } from './lease/index.ts';
import { type AgentSide, openAgentSide } from './link/index.ts';
import { type AttemptDeps, type OpenFolder, openAttempt, openFolder } from './open-attempt.ts';
import { type AttemptEnd, createStanding, runAttempt } from './phases/index.ts';
import { rehearse } from './rehearse.ts';
import { createReserve } from './spool/index.ts';
import { endWithoutData } from './without-data.ts';

export interface RunnerDeps {
  folder: AttemptFolder;
  version: string;
  clock: Clock;
  random: Random;
  logger: Logger;
}

/** Why a runner leaves. */
export type RunnerEnd = 'attempt_over' | 'not_needed' | 'folder_taken';

/** Probing a lock takes it for a moment. */
const LOCK_WAIT_MS = 1_000;
/** Enough for the states and records of most workspaces when a log has filled the disk. */
const RESERVE_BYTES = 16 * 1024 * 1024;
/** Servers give up idle connections after about a minute. */
const WARM_EVERY_MS = 40_000;

/**
 * The life of a runner: takes its folder, waits there for an attempt if there is none yet, brings that to its end, and says so
 * to whichever agent is attached. Throws when the folder must be left as it is, for another runner.
 */
export async function runRunner(deps: RunnerDeps): Promise<RunnerEnd> {
  const { folder } = deps;
  const lock = await tryLockFile(folder.lock, LOCK_WAIT_MS);
  if (lock === undefined) return 'folder_taken';
  const birth = await readBirth(folder);
  await createFolders(folder);
  const [wishes, standing] = [createWishes(), createStanding()];
  const agent = await openAgentSide({
    ...deps,
    path: folder.socket,
    wishes,
    standing,
    findTask: () => findTask(folder),
  });
  const reserve = createReserve(folder.reserve, RESERVE_BYTES);
  const caller = createCaller(birth, deps.version);
  const task = (await findTask(folder)) ?? (await waitForTask({ ...deps, birth }, agent, caller.client));
  if (task !== undefined) {
    agent.take(task);
    const secret = await readSecret(folder);
    caller.present(secret);
    const onStarted: AttemptDeps['onStarted'] = (command, pid, at) =>
      agent.send({
        type: 'terraform_started',
        attempt_id: task.attempt_id,
        command,
        pid,
        at: new Date(at).toISOString(),
      });
    tellEnd(
      agent,
      task,
      await carryOut({ ...deps, birth, task, secret, client: caller.client, wishes, standing, reserve, onStarted }),
    );
  }
  await agent.close();
  caller.client.close();
  return task === undefined ? 'not_needed' : 'attempt_over';
}

/** The way to the server. It is open before there is an attempt to speak for. */
function createCaller({ server_url, ca_file, allow_insecure }: RunnerBirth, version: string) {
  let token: string | undefined;
  const client = createClient({
    baseUrl: server_url,
    token: () => token,
    userAgent: `groundcrew-runner/${version}`,
    allowInsecure: allow_insecure,
    transport: createHttpTransport({
      allowInsecure: allow_insecure,
      ...(ca_file === null ? {} : { caFile: ca_file }),
    }),
  });
  return {
    client,
    present(secret: string) {
      token = attemptToken(secret);
    },
  };
}

/** A spare keeps its connection to the server open, so that an attempt begins with its first byte. */
async function waitForTask(
  deps: RunnerDeps & { birth: RunnerBirth },
  agent: AgentSide,
  client: Client,
): Promise<RunnerTask | undefined> {
  const over = new AbortController();
  const warming = (async () => {
    await rehearse(deps, over.signal);
    while (!over.signal.aborted) {
      await client.preconnect();
      await deps.clock.sleep(WARM_EVERY_MS, over.signal).catch(() => {});
    }
  })();
  const task = await agent.waitForTask();
  over.abort();
  if (task === undefined) await warming;
  return task;
}

async function carryOut(deps: AttemptDeps): Promise<AttemptEnd> {
  const folder = await openFolder(deps);
  try {
    return await carryOutOpen(folder);
  } finally {
    await folder.close();
  }
}

async function carryOutOpen(folder: OpenFolder): Promise<AttemptEnd> {
  const refusal = await folder.data.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (refusal instanceof ApiError) return endWithoutData(folder, refusal);
  const attempt = await openAttempt(folder);
  try {
    return await runAttempt(attempt.context, folder.takeover);
  } finally {
    await attempt.close();
  }
}

function tellEnd(
  agent: AgentSide,
  { attempt_id }: RunnerTask,
  { result, exitCode, seconds, message }: AttemptEnd,
): void {
  agent.send({ type: 'ended', attempt_id, result, exit_code: exitCode, duration: seconds, error_message: message });
}
