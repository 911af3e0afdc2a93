import type { Client } from '@groundcrew/client';
import type { Cli } from '../cli.ts';
import type { Lead } from './lead.ts';

const LOOK_EVERY_MS = 50;
/** An agent that takes longer is not waited for: the task then waits, and says why. */
const LONGEST_MS = 15_000;

/** Waits until the server's own agent is there, so that the first task finds it. */
export async function awaitAgent(cli: Cli, lead: Lead, client: Client): Promise<void> {
  const deadline = cli.clock.now() + LONGEST_MS;
  const look = async (): Promise<string | undefined> => {
    for (;;) {
      const { items } = await client.call('listAgents', { query: { limit: 1 } });
      const online = items.find(({ connected }) => connected);
      if (online !== undefined || cli.clock.now() > deadline) return online?.name;
      await cli.clock.sleep(LOOK_EVERY_MS);
    }
  };
  const told = (name: string | undefined, took: string): string =>
    name === undefined
      ? 'No agent is there yet; going on without one'
      : `Agent ${lead.style.bold(name)} online ${lead.style.dim('in')} ${took}`;
  await lead.step('waiting for the agent', look, told);
}
