import type { AgentCondition } from '@groundcrew/protocol';
import type { AgentReport } from '../agent.ts';
import type { HostLoad, OwnUsage } from '../load/index.ts';

/** Everything that the agent tells on its own host, at one moment. */
export interface LocalFacts {
  agentId: string;
  name: string;
  version: string;
  instance: number;
  pid: number;
  startedAt: number;
  now: number;
  condition: AgentCondition;
  /** When the condition began. */
  since: number;
  /** Why it is not healthy; undefined while it is. */
  unhealthy: string | undefined;
  report: AgentReport;
  maxConcurrent: number;
  planLimit: { limit: number; reason: string | undefined };
  load: HostLoad;
  usage: OwnUsage;
  configuration: {
    revision: number;
    loadedAt: number;
    restartNeeded: readonly string[];
    reloaded: number;
    refused: number;
  };
  /** Address of the agent's own HTTP while it listens. */
  http: string | undefined;
}
