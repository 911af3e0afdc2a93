import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Register } from '@groundcrew/protocol';
import { findInstalled, findOnPath } from '@groundcrew/terraform';
import type { AgentConfiguration } from './configuration/index.ts';
import type { Identity } from './identity.ts';
import { pathOf } from './runner-start.ts';

/** The name that people see. */
export const nameOf = ({ agent }: AgentConfiguration): string => agent.name ?? hostname();

/** What the agent says of itself at its sign-on; asked anew each time, since versions get installed and the configuration changes. */
export async function describeAgent(
  configuration: AgentConfiguration,
  { agentId, machineId, bootId, folderId, instance }: Identity,
  version: string,
): Promise<Register> {
  const { agent: own, capabilities, resources, labels } = configuration;
  const onPath = await findOnPath(pathOf(configuration), { cacheDir: join(resources.workspace_dir, 'probe') });
  const tools = [...onPath.tools, ...(await findInstalled(join(resources.workspace_dir, 'versions')))];
  const versions = (tool: 'terraform' | 'tofu') =>
    tools.filter((found) => found.tool === tool).map((found) => found.version);
  return {
    name: nameOf(configuration),
    agent_id: agentId,
    ...(own.pool_id === undefined ? {} : { pool_id: own.pool_id as NonNullable<Register['pool_id']> }),
    version,
    labels: [...labels],
    capabilities: {
      terraform_versions: [...new Set([...versions('terraform'), ...capabilities.terraform_versions])],
      tofu_versions: [...new Set(versions('tofu'))],
      installs_versions: capabilities.install_versions,
      providers: [...capabilities.providers],
    },
    limits: { max_concurrent_jobs: resources.max_concurrent_jobs },
    machine_id: machineId,
    boot_id: bootId,
    folder_id: folderId,
    instance,
  };
}
