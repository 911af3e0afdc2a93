import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LEAN_NODE } from '@groundcrew/kit';
import { RUNNER_LINK_VERSION, type RunnerBirth } from '@groundcrew/protocol';
import type { AgentConfiguration } from './configuration/index.ts';
import type { RunnerStart } from './runner-process.ts';

/** How this agent's runners are started. @param configuration what is in force when one is born */
export function createRunnerStart(configuration: () => AgentConfiguration): RunnerStart {
  const { runner_uid: uid, runner_gid: gid } = configuration().resources;
  if (uid !== undefined && process.getuid?.() !== 0)
    throw new Error('resources.runner_uid needs an agent that runs as root; start it as root or leave the key out.');
  return {
    command: [process.execPath, ...LEAN_NODE.runnerFlags, runnerEntry()],
    users: uid === undefined ? undefined : { firstUid: uid, gid },
    get birth() {
      return birthOf(configuration());
    },
  };
}

const birthOf = (configuration: AgentConfiguration): RunnerBirth => {
  const { agent: own, capabilities, resources, logging } = configuration;
  return {
    link_version: RUNNER_LINK_VERSION,
    server_url: own.server_url,
    ca_file: own.ca_file === '' ? null : own.ca_file,
    allow_insecure: own.allow_insecure,
    versions_dir: join(resources.workspace_dir, 'versions'),
    path: pathOf(configuration),
    install: {
      enabled: capabilities.install_versions,
      terraform_url: capabilities.terraform_url ?? null,
      tofu_url: capabilities.tofu_url ?? null,
      key_file: capabilities.key_file ?? null,
    },
    log_level: logging.level,
  };
};

export const pathOf = ({ resources }: AgentConfiguration): string =>
  resources.path ?? process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';

/** The runner's bundle beside ours, or its source when we run from source. */
function runnerEntry(): string {
  const bundled = fileURLToPath(new URL('../runner/main.mjs', import.meta.url));
  return existsSync(bundled) ? bundled : fileURLToPath(new URL('../../runner/src/main.ts', import.meta.url));
}
