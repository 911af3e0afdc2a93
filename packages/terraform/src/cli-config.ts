import { quoteHcl } from './hcl/hcl-string.ts';

export interface CliConfigOptions {
  /**
   * A provider mirror in a folder of the host. With `include` (patterns such as `registry.terraform.io/hashicorp/*`) those
   * providers come only from the mirror and all others from their registries; without, the mirror is the only source.
   */
  providerMirror?: { path: string; include?: readonly string[] };
}

/**
 * Contents of the file that TF_CLI_CONFIG_FILE names. It stands in for everything under the home folder, so a configuration
 * meets the same settings on every agent. Without options it sets next to nothing but exists, which spares a warning on every
 * command. It names no plugin cache: parallel inits corrupt a shared one.
 */
export function renderCliConfig({ providerMirror }: CliConfigOptions = {}): string {
  const lines = ['disable_checkpoint = true'];
  if (providerMirror !== undefined) lines.push(...installationBlock(providerMirror));
  return `${lines.join('\n')}\n`;
}

function installationBlock({ path, include }: { path: string; include?: readonly string[] }): string[] {
  const patterns = include && `[${include.map(quoteHcl).join(', ')}]`;
  return [
    'provider_installation {',
    '  filesystem_mirror {',
    `    path = ${quoteHcl(path)}`,
    ...(patterns ? [`    include = ${patterns}`] : []),
    '  }',
    // Without the exclusion Terraform would also ask the registry, and fail where there is no network.
    ...(patterns ? ['  direct {', `    exclude = ${patterns}`, '  }'] : []),
    '}',
  ];
}
