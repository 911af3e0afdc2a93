import type { Client } from '@groundcrew/client';
import type { Clock, Logger, Random } from '@groundcrew/kit';
import type { RunnerBirth, RunnerTask, TaskData } from '@groundcrew/protocol';
import type { InstalledTool, SensitiveValue } from '@groundcrew/terraform';
import { type ControlPlane, createControlPlane } from './control-plane/index.ts';
import { findTakeover } from './find-takeover.ts';
import { type AttemptFolder, findData, keepData } from './folder/index.ts';
import type { Journal, Takeover } from './journal/index.ts';
import type { CommandName, Launcher } from './launcher/index.ts';
import { startLease, type Wishes } from './lease/index.ts';
import { openLog, secretsOf } from './log/index.ts';
import { closeState, openState } from './open-state.ts';
import {
  type AttemptContext,
  type AttemptState,
  createCommands,
  type ProgramFinder,
  type Standing,
} from './phases/index.ts';
import { deriveRelayCredentials, type RelayCredentials } from './relay/index.ts';
import type { Reserve } from './spool/index.ts';

export interface AttemptDeps {
  folder: AttemptFolder;
  journal: Journal;
  birth: RunnerBirth;
  programs: ProgramFinder;
  task: RunnerTask;
  secret: string;
  /** Presents the attempt's secret. */
  client: Client;
  version: string;
  wishes: Wishes;
  standing: Standing;
  reserve: Promise<Reserve>;
  clock: Clock;
  random: Random;
  logger: Logger;
  onStarted: (command: CommandName, pid: number, at: number) => void;
  /** The task's data, asked for while the offer was being accepted; rejects when that was too early. */
  given?: Promise<TaskData> | undefined;
  /** A launcher that waits already. */
  launcher?: Launcher | undefined;
}

/** An attempt as its folder tells it, its lease being renewed. What to do with it needs the task's data. */
export interface OpenFolder {
  deps: AttemptDeps;
  takeover: Takeover;
  server: ControlPlane;
  credentials: RelayCredentials;
  acting: AbortSignal;
  data: Promise<KnownData>;
  state: Promise<AttemptState>;
  /** Tells who learns the secrets of the states that pass; until then they wait. */
  learnStatesWith: (learn: LearnState) => void;
  /** Tells what to do whenever the lease shows that the server can be reached. */
  wakeWhenHeard: (wake: () => void) => void;
  /** The program that a first runner will most likely need, looked for while the data are on their way. */
  early: Promise<InstalledTool> | undefined;
  close(): Promise<void>;
}

/**
 * Finds out where the attempt stands, and begins everything that can begin without the task's data: to fetch them and what goes
 * with them, to listen for Terraform, to renew the lease.
 */
export async function openFolder(deps: AttemptDeps): Promise<OpenFolder> {
  const { folder, journal, task, client, wishes, standing, logger } = deps;
  const server = createControlPlane(client, task.task_id);
  const acting = new AbortController();
  const forget = wishes.onChange(() => wishes.fenced && acting.abort(new Error('the attempt lost its right to act')));
  const takeover = await findTakeover(folder, journal);
  const isFirst = takeover === 'begin';
  const data = isFirst ? beginWithData(deps, server, acting.signal) : findOrFetchData(folder, server, acting.signal);
  const wanted = { tool: task.tool, version: task.terraform_version };
  logger.info({ takeover, damaged: journal.damaged }, 'at work on the attempt');
  const early = isFirst ? deps.programs.find(wanted, acting.signal) : undefined;
  const credentials = deriveRelayCredentials(deps.secret);
  const { promise: learner, resolve: learnStatesWith } = Promise.withResolvers<LearnState>();
  const state = openState({ ...deps, credentials, learnState: async (path) => (await learner)(path) });
  // Heard by whoever asks for them, later.
  for (const promise of [data, state, early]) promise?.catch(() => {});
  let whenHeard = () => {};
  const lease = startLease({
    ...deps,
    renew: server.renew,
    describe: () => describe(standing),
    onHeard: () => whenHeard(),
  });
  standing.onChange((change) => (change === 'stage' || wishes.watched) && lease.nudge());
  const close = async () => {
    forget();
    await Promise.all([lease.stop(), state.then(closeState)]);
  };
  const wakeWhenHeard = (wake: () => void) => {
    whenHeard = wake;
  };
  const promises = { data, early, state, learnStatesWith, wakeWhenHeard };
  return { deps, takeover, server, credentials, acting: acting.signal, ...promises, close };
}

/** The task's data, and when they are in the folder. */
interface KnownData {
  data: TaskData;
  kept: Promise<void>;
}

/** What a first runner begins with. Nothing is run before it is written down that it began, and what there is to mask. */
async function beginWithData(
  { folder, journal, version, clock, given }: AttemptDeps,
  server: ControlPlane,
  acting: AbortSignal,
): Promise<KnownData> {
  const fetching = fetchData(folder, () => given?.catch(() => server.getData(acting)) ?? server.getData(acting));
  const begun = journal.write('begun', { at: new Date(clock.now()).toISOString(), version });
  const [{ data, kept }] = await Promise.all([fetching, begun]);
  return { data, kept };
}

/** From the folder, or else from the server. */
async function findOrFetchData(folder: AttemptFolder, server: ControlPlane, acting: AbortSignal): Promise<KnownData> {
  const found = await findData(folder);
  return found === undefined
    ? fetchData(folder, () => server.getData(acting))
    : { data: found, kept: Promise.resolve() };
}

async function fetchData(folder: AttemptFolder, fetch: () => Promise<TaskData>): Promise<KnownData> {
  const data = await fetch();
  const kept = keepData(folder, data);
  // Told to whoever waits for it.
  kept.catch(() => {});
  return { data, kept };
}

type LearnState = (path: string) => Promise<void>;

/** Everything the phases work with, and the end of it. */
export interface OpenAttempt {
  context: AttemptContext;
  close(): Promise<void>;
}

/** Composes what one attempt works with. Rejects when its data are neither in the folder nor to be had from the server. */
export async function openAttempt(open: OpenFolder): Promise<OpenAttempt> {
  const { deps, takeover, credentials, server, acting, early } = open;
  const { data, kept: dataKept } = await open.data;
  deps.wishes.raise(data.attempt.cancel_level);
  const secrets = secretsFor(deps, data, credentials);
  // A relay that could not be opened is told to whoever waits for it.
  const nudgeState = () =>
    void open.state.then(
      ({ forwarder }) => forwarder.nudge(),
      () => {},
    );
  const log = openLog({ ...deps, secrets, onSuccess: nudgeState });
  open.wakeWhenHeard(() => {
    log.nudge();
    nudgeState();
  });
  open.learnStatesWith(log.learnState);
  const state = await open.state;
  const commands = createCommands({ ...deps, onlyFollow: takeover !== 'begin' && takeover !== 'take_over' });
  const context: AttemptContext = {
    ...deps,
    ...{ data, dataKept, server, log, state, commands, early, acting },
  };
  return { context, close: () => log.close() };
}

const describe = ({ stage, progress }: Standing) => ({
  ...(stage ? { stage } : {}),
  ...(progress ? { progress } : {}),
});

/** What must not be shown from the first byte on: what people marked so, and what this runner itself works with. */
const secretsFor = ({ secret }: AttemptDeps, data: TaskData, { password }: RelayCredentials): SensitiveValue[] => [
  ...secretsOf(data),
  { value: secret, origin: "the attempt's secret" },
  { value: password, origin: "the state relay's password" },
];
