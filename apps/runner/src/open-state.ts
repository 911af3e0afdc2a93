import type { Client } from '@groundcrew/client';
import type { Clock, Logger, Random } from '@groundcrew/kit';
import type { RunnerTask } from '@groundcrew/protocol';
import { createStateUpstream } from './control-plane/index.ts';
import type { AttemptFolder } from './folder/index.ts';
import type { Journal } from './journal/index.ts';
import type { AttemptState } from './phases/index.ts';
import {
  createRelayVerbs,
  createStateForwarder,
  openRelay,
  openStateSpool,
  type RelayCredentials,
} from './relay/index.ts';
import type { Reserve } from './spool/index.ts';

export interface StateDeps {
  folder: AttemptFolder;
  task: RunnerTask;
  client: Client;
  journal: Journal;
  credentials: RelayCredentials;
  /** Learns the secrets of a state before Terraform goes on with it. */
  learnState: (path: string) => Promise<void>;
  /** Room on the disk that is given free when a state finds none. */
  reserve: Promise<Reserve>;
  clock: Clock;
  random: Random;
  logger: Logger;
}

/** The state's way between Terraform and the server; an earlier runner's port and its undelivered states are taken over. */
export async function openState(deps: StateDeps): Promise<AttemptState> {
  const { folder, task, client, journal, credentials } = deps;
  const upstream = createStateUpstream(client, task.task_id, { nonce: () => journal.find('intent')?.nonce });
  const spool = await openStateSpool(folder.state);
  const forwarder = createStateForwarder({ ...deps, spool, upstream });
  const verbs = createRelayVerbs({
    ...deps,
    stateDir: folder.state,
    spool,
    forwarder,
    upstream,
    onState: deps.learnState,
    onDiskFull: async () => (await deps.reserve).release(),
  });
  const known = journal.find('relay');
  const relay = await openRelay({ ...deps, port: known?.port ?? 0, credentials, verbs });
  if (known === undefined) await journal.write('relay', { port: relay.port });
  return { relay, credentials, verbs, spool, forwarder };
}

export async function closeState({ forwarder, relay }: AttemptState): Promise<void> {
  forwarder.close();
  await relay.close();
}
