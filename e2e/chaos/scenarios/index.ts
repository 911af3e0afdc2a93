import { agentKilled } from './agent-killed.ts';
import { cancel } from './cancel.ts';
import { cut } from './cut.ts';
import { hostDead } from './host-dead.ts';
import type { Scenario } from './scenario.ts';
import { serverKilled } from './server-killed.ts';

/** The named scenarios. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'host-dead': hostDead,
  'agent-killed': agentKilled,
  'server-killed': serverKilled,
  cut,
  cancel,
};
export { formatFigures } from './scenario.ts';
