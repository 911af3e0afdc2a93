import { type ConfigMistake, config } from '@groundcrew/kit';
import { AGENT_SPEC, type AgentConfiguration } from './spec.ts';

/** Reads the YAML file, if there is one, and the environment over it; throws one error with every mistake. */
export function readAgentConfiguration(path: string | undefined, env: NodeJS.ProcessEnv): AgentConfiguration {
  return config.readConfig(AGENT_SPEC, {
    env,
    envPrefix: 'GROUNDCREW',
    ...(path === undefined ? {} : { file: { path } }),
    check,
  });
}

/** Every key with its variables, for the generated reference. */
export const describeAgentConfiguration = (): config.ConfigReferenceRow[] =>
  config.describeConfig(AGENT_SPEC, 'GROUNDCREW');

const check = (value: AgentConfiguration): ConfigMistake[] => [
  ...checkOrder('cpu', value.adaptive.cpu_low, value.adaptive.cpu_high),
  ...checkOrder('memory', value.adaptive.memory_low, value.adaptive.memory_high),
  ...checkDaemonUrl(value),
];

/** Without room between the two the limit would move up and down for ever. */
function checkOrder(what: 'cpu' | 'memory', low: number, high: number): ConfigMistake[] {
  if (low < high) return [];
  return [{ key: `adaptive.${what}_low`, found: `${low}`, allowed: `a number below adaptive.${what}_high (${high})` }];
}

function checkDaemonUrl({ daemon, agent }: AgentConfiguration): ConfigMistake[] {
  if (daemon.url === '') return [];
  const mistake = (allowed: string) => [{ key: 'daemon.url', found: JSON.stringify(daemon.url), allowed }];
  if (!URL.canParse(daemon.url)) return mistake('an http:// or https:// URL');
  const { protocol, hostname: host } = new URL(daemon.url);
  if (protocol === 'https:' || agent.allow_insecure) return [];
  if (host === 'localhost' || host === '[::1]' || host.startsWith('127.')) return [];
  return mistake('this very host, or https:// for another one');
}
