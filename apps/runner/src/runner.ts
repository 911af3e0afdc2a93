import { ApiError } from '@groundcrew/client';
import { type Clock, type Logger, type Random, tryLockFile } from '@groundcrew/kit';
import type { RunnerTask } from '@groundcrew/protocol';
import { type AttemptFolder, createFolders, findSecret, findTask, readBirth } from './folder/index.ts';
import { openJournal } from './journal/index.ts';
import { isAlive } from './launcher/index.ts';
import { createWishes } from './lease/index.ts';
import { type AgentSide, openAgentSide } from './link/index.ts';
import { type AttemptDeps, type OpenFolder, openAttempt, openFolder } from './open-attempt.ts';
import { type AttemptEnd, createStanding, runAttempt } from './phases/index.ts';
import { createCaller, createSpare } from './spare.ts';
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
export type RunnerEnd = 'attempt_over' | 'mute' | 'not_needed' | 'folder_taken';

/** Probing a lock takes it for a moment. */
const LOCK_WAIT_MS = 1_000;
/** Enough for the states and records of most workspaces when a log has filled the disk. */
const RESERVE_BYTES = 16 * 1024 * 1024;

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
  const journal = await openJournal(folder.journal);
  const [wishes, standing] = [createWishes(), createStanding()];
  const caller = createCaller(birth, deps.version);
  const spare = createSpare({ ...deps, birth, caller });
  const agent = await openAgentSide({
    ...deps,
    path: folder.socket,
    wishes,
    standing,
    onOffered: spare.getReady,
    findTask: () => findTask(folder),
    onServer: caller.moveTo,
  });
  const reserve = createReserve(folder.reserve, RESERVE_BYTES);
  const task = (await findTask(folder)) ?? (await spare.wait(agent));
  const end = task === undefined ? 'not_needed' : await serve(task);
  await agent.close();
  caller.client.close();
  return end;

  async function serve(task: RunnerTask): Promise<RunnerEnd> {
    agent.take(task);
    const secret = findSecret(folder);
    if (secret === undefined) return waitMutely(deps, agent, task);
    caller.present(secret);
    const { client } = caller;
    const given = { birth, journal, task, secret, client, wishes, standing, reserve };
    const attempt = { ...deps, ...spare.readiness(task), ...given, onStarted: tellStart(agent, task) };
    tellEnd(agent, task, await carryOut(attempt));
    return 'attempt_over';
  }
}

const POLL_MS = 1_000;

/** Without its secret an attempt is its lease's alone; what Terraform still does must not be in anybody's way. */
async function waitMutely(
  { folder, clock, logger }: RunnerDeps,
  agent: AgentSide,
  task: RunnerTask,
): Promise<RunnerEnd> {
  const reason = `${folder.secret} is missing or damaged; nobody can speak for this attempt, and what its folder holds stays there.`;
  logger.error(reason);
  while (await isAlive(folder.alive)) await clock.sleep(POLL_MS);
  agent.send({ type: 'mute', attempt_id: task.attempt_id, reason });
  return 'mute';
}

const tellStart =
  (agent: AgentSide, { attempt_id }: RunnerTask): AttemptDeps['onStarted'] =>
  (command, pid, at) =>
    agent.send({ type: 'terraform_started', attempt_id, command, pid, at: new Date(at).toISOString() });

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
