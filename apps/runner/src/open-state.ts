import type { Client } from '@groundcrew/client';
import type { Clock, Logger, Random } from '@groundcrew/kit';
import type { RunnerTask } from '@groundcrew/protocol';
import { createStateUpstream } from './control-plane/index.ts';
import type { AttemptFolder } from './folder/index.ts';
import type { Journal } from './journal/index.ts';
import { commandRecord } from './launcher/index.ts';
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
  const port = known?.port ?? findOrderedPort(journal.dir) ?? 0;
  const relay = await openRelay({ ...deps, port, credentials, verbs });
  if (known === undefined) await journal.write('relay', { port: relay.port });
  return { relay, credentials, verbs, spool, forwarder };
}

/** Where Terraform was told to find its state, should the journal's entry be damaged. */
function findOrderedPort(journalDir: string): number | undefined {
  const commands = ['apply', 'plan', 'init'] as const;
  const addresses = commands.map((command) => commandRecord(journalDir, command).findVariable('TF_HTTP_ADDRESS'));
  const address = addresses.find((found) => found !== undefined);
  return address === undefined ? undefined : Number(new URL(address).port);
}

export async function closeState({ forwarder, relay }: AttemptState): Promise<void> {
  forwarder.close();
  await relay.close();
}
