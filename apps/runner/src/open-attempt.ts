import type { Client } from '@groundcrew/client';
import type { Clock, Logger, Random } from '@groundcrew/kit';
import type { RunnerBirth, RunnerTask, TaskData } from '@groundcrew/protocol';
import type { SensitiveValue } from '@groundcrew/terraform';
import { createControlPlane, createStateUpstream } from './control-plane/index.ts';
import { type AttemptFolder, findData, keepData } from './folder/index.ts';
import { decideTakeover, findFate, type Journal, openJournal, type Takeover } from './journal/index.ts';
import { type CommandName, commandRecord, isAlive } from './launcher/index.ts';
import { type Lease, startLease, type Wishes } from './lease/index.ts';
import { type AttemptLog, openLog, secretsOf } from './log/index.ts';
import { type AttemptContext, type AttemptState, createCommands, prefetch, type Standing } from './phases/index.ts';
import {
  createRelayVerbs,
  createStateForwarder,
  deriveRelayCredentials,
  openRelay,
  openStateSpool,
  type RelayCredentials,
} from './relay/index.ts';

export interface AttemptDeps {
  folder: AttemptFolder;
  birth: RunnerBirth;
  task: RunnerTask;
  secret: string;
  /** Presents the attempt's secret. */
  client: Client;
  version: string;
  wishes: Wishes;
  standing: Standing;
  clock: Clock;
  random: Random;
  logger: Logger;
  onStarted: (command: CommandName, pid: number, at: number) => void;
}

/** An attempt with everything it needs, ready to be brought to its end. */
export interface OpenAttempt {
  context: AttemptContext;
  takeover: Takeover;
  close(): Promise<void>;
}

/** Composes what one attempt works with, from what stands in its folder and what the server gives. */
export async function openAttempt(deps: AttemptDeps): Promise<OpenAttempt> {
  const { folder, task, client, wishes, standing, logger } = deps;
  const server = createControlPlane(client, task.task_id);
  const acting = new AbortController();
  const forget = wishes.onChange(() => wishes.fenced && acting.abort(new Error('the attempt lost its right to act')));
  const fetching = findData(folder).then((data) => data ?? fetchData(folder, server.getData(acting.signal)));
  fetching.catch(() => {});
  const journal = await openJournal(folder.journal);
  const takeover = await findTakeover(folder, journal);
  logger.info({ takeover, damaged: journal.damaged }, 'at work on the attempt');
  if (takeover === 'begin')
    await journal.write('begun', { at: new Date(deps.clock.now()).toISOString(), version: deps.version });
  const lease = startLease({ ...deps, renew: server.renew, describe: () => describe(standing) });
  standing.onChange((change) => (change === 'stage' || wishes.watched) && lease.nudge());
  const early = takeover === 'begin' ? prefetch({ ...deps, server, acting: acting.signal }) : undefined;
  const data = await fetching;
  wishes.raise(data.attempt.cancel_level);
  const credentials = deriveRelayCredentials(deps.secret);
  const log: AttemptLog = openLog({
    ...deps,
    secrets: secretsFor(deps, data, credentials),
    onSuccess: () => state.forwarder.nudge(),
  });
  const state = await openState(deps, journal, { log, credentials });
  const commands = createCommands({ ...deps, journal, onlyFollow: takeover !== 'begin' && takeover !== 'take_over' });
  const context: AttemptContext = {
    ...deps,
    data,
    journal,
    server,
    log,
    state,
    commands,
    early,
    acting: acting.signal,
  };
  return { context, takeover, close: () => close({ lease, state, log, forget }) };
}

async function fetchData(folder: AttemptFolder, fetching: Promise<TaskData>): Promise<TaskData> {
  const data = await fetching;
  await keepData(folder, data);
  return data;
}

async function findTakeover(folder: AttemptFolder, journal: Journal): Promise<Takeover> {
  const begun = journal.find('begun') !== undefined;
  const fate = await findFate(journal.dir);
  const exit = journal.find('finish') !== undefined || commandRecord(journal.dir, 'apply').findExit() !== undefined;
  // Nothing can run where nobody began.
  const aliveHeld = begun && (await isAlive(folder.alive));
  return decideTakeover({ lockHeld: false, aliveHeld, journal: { begun, fate, exit } });
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

async function openState(
  deps: AttemptDeps,
  journal: Journal,
  parts: { log: AttemptLog; credentials: RelayCredentials },
): Promise<AttemptState> {
  const { folder, client, task } = deps;
  const { log, credentials } = parts;
  const upstream = createStateUpstream(client, task.task_id, { nonce: () => journal.find('intent')?.nonce });
  const spool = await openStateSpool(folder.state);
  const forwarder = createStateForwarder({ ...deps, spool, upstream });
  const verbs = createRelayVerbs({
    stateDir: folder.state,
    spool,
    forwarder,
    upstream,
    journal,
    onState: (path) => log.learnState(path),
  });
  const relay = await openRelay({ ...deps, port: journal.find('relay')?.port ?? 0, credentials, verbs });
  if (journal.find('relay') === undefined) await journal.write('relay', { port: relay.port });
  return { relay, credentials, verbs, spool, forwarder };
}

async function close(parts: { lease: Lease; state: AttemptState; log: AttemptLog; forget: () => void }): Promise<void> {
  parts.forget();
  parts.state.forwarder.close();
  await Promise.all([parts.lease.stop(), parts.state.relay.close(), parts.log.close()]);
}
