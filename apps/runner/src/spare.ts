import { ApiError, type Client, createClient } from '@groundcrew/client';
import { createHttpTransport } from '@groundcrew/client/node';
import { type Clock, giveBackMemory, type Logger, type Random } from '@groundcrew/kit';
import type { RunnerBirth, RunnerTask, TaskData } from '@groundcrew/protocol';
import { attemptToken, type ControlPlane, createControlPlane, createMovingClient } from './control-plane/index.ts';
import { type AttemptFolder, findSecret } from './folder/index.ts';
import { type Launcher, openLauncher } from './launcher/index.ts';
import type { AgentSide, ServerAddress } from './link/index.ts';
import type { AttemptDeps } from './open-attempt.ts';
import { createProgramFinder } from './phases/index.ts';
import { rehearse } from './rehearsal/index.ts';

/** The way to the server. It is open before there is an attempt to speak for. */
export interface Caller {
  readonly client: Client;
  /** Speaks for the attempt from now on. */
  present(secret: string): void;
  /** The server is somewhere else now. */
  moveTo(address: ServerAddress): void;
}

export function createCaller({ server_url, ca_file, allow_insecure }: RunnerBirth, version: string): Caller {
  let token: string | undefined;
  const connect = (address: ServerAddress): Client =>
    createClient({
      baseUrl: address.server_url,
      token: () => token,
      userAgent: `groundcrew-runner/${version}`,
      allowInsecure: address.allow_insecure,
      transport: createHttpTransport({
        allowInsecure: address.allow_insecure,
        ...(address.ca_file === null ? {} : { caFile: address.ca_file }),
      }),
    });
  const { client, moveTo } = createMovingClient({ server_url, ca_file, allow_insecure }, connect);
  return {
    client,
    moveTo,
    present(secret) {
      token = attemptToken(secret);
    },
  };
}

export interface SpareDeps {
  folder: AttemptFolder;
  birth: RunnerBirth;
  version: string;
  caller: Caller;
  clock: Clock;
  random: Random;
  logger: Logger;
}

/** A runner that waits for an attempt, with everything done that can be done without one. */
export interface Spare {
  /** The attempt that comes; undefined when none will. */
  wait(agent: AgentSide): Promise<RunnerTask | undefined>;
  /** Asks for the data of an offer while the agent accepts it: by the time the question arrives it is most likely accepted. */
  getReady(task: RunnerTask): void;
  /** What was made ready for this attempt. */
  readiness(task: RunnerTask): Pick<AttemptDeps, 'programs' | 'given' | 'launcher'>;
}

/** The attempt outlives the wait for it. */
const NEVER = new AbortController().signal;
const EARLY_TRIES = 8;
const EARLY_EVERY_MS = 2;
/** Servers give up idle connections after about a minute. */
const WARM_EVERY_MS = 40_000;

export function createSpare(deps: SpareDeps): Spare {
  const { folder, caller, clock, logger } = deps;
  const programs = createProgramFinder(deps.birth);
  const over = new AbortController();
  let launcher: Launcher | undefined;
  let asked: { attemptId: string; data: Promise<TaskData> } | undefined;

  async function keepWarm(): Promise<void> {
    await rehearse(deps, over.signal);
    if (!over.signal.aborted) launcher = openLauncher(folder);
    for (let round = 1; !over.signal.aborted; round += 1) {
      await caller.client.preconnect();
      await programs.look().catch(() => {});
      // Nobody waits for it just now; an offer that came meanwhile would.
      if (round === 1 && asked === undefined && !over.signal.aborted) giveBackMemory();
      await clock.sleep(WARM_EVERY_MS, over.signal).catch(() => {});
    }
  }

  /** The question may overtake the accept that makes it one. */
  async function askEarly(server: ControlPlane): Promise<TaskData> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await server.getData(NEVER, 'never');
      } catch (error) {
        const isEarly = error instanceof ApiError && error.code === 'unauthenticated';
        if (!isEarly || tries === EARLY_TRIES) throw error;
        await clock.sleep(EARLY_EVERY_MS);
      }
    }
  }

  return {
    async wait(agent) {
      const warming = keepWarm();
      const task = await agent.waitForTask();
      over.abort();
      if (task !== undefined) return task;
      await warming;
      launcher?.abandon();
      return undefined;
    },
    getReady(task) {
      const secret = findSecret(folder);
      if (secret === undefined) return logger.debug('an offer came without its secret');
      caller.present(secret);
      const data = askEarly(createControlPlane(caller.client, task.task_id));
      // Whoever needs them asks again.
      data.catch(() => {});
      asked = { attemptId: task.attempt_id, data };
    },
    readiness: ({ attempt_id }) => ({
      programs,
      launcher,
      given: asked?.attemptId === attempt_id ? asked.data : undefined,
    }),
  };
}
