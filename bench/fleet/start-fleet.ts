import { type SimulatedAgent, type SimulatedAgentOptions, startSimulatedAgent } from './simulated-agent.ts';

export interface Fleet {
  readonly agents: readonly SimulatedAgent[];
  /** What went wrong at any of them. */
  readonly faults: readonly unknown[];
  close(): void;
}

/** So many sign on at the same time. */
const AT_ONCE = 32;

/** Starts `size` agents in this process and waits until the server has greeted each. */
export async function startFleet(
  size: number,
  options: Omit<SimulatedAgentOptions, 'name' | 'onFault'> & { prefix: string },
): Promise<Fleet> {
  const agents: SimulatedAgent[] = [];
  const faults: unknown[] = [];
  let isClosed = false;
  const onFault = (error: unknown) => {
    if (!isClosed) faults.push(error);
  };
  let next = 0;
  async function startSome(): Promise<void> {
    while (next < size) {
      next += 1;
      const agent = await startSimulatedAgent({ ...options, name: `${options.prefix}-${next}`, onFault });
      agents.push(agent);
      await agent.ready;
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, startSome));
  return {
    agents,
    faults,
    close() {
      isClosed = true;
      for (const agent of agents) agent.close();
    },
  };
}
