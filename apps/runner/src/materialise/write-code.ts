import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskData } from '@groundcrew/protocol';
import { ConfigurationMistake } from '@groundcrew/terraform';

/**
 * The folder that Terraform runs in. Made when the workspace has no uploaded configuration.
 * @throws ConfigurationMistake when the configuration has no such folder.
 */
export function workingFolder(root: string, { workspace, configuration }: TaskData): string {
  const folder = join(root, workspace.working_directory);
  if (configuration === null) mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (isFolder(folder)) return folder;
  throw new ConfigurationMistake(
    `The configuration has no folder ${JSON.stringify(workspace.working_directory)}; change the workspace's working_directory or push the folder.`,
  );
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Writes the code that is kept on the server beside the configuration: the workspace's own, its provider settings, its fragments. */
export function writeServerCode(folder: string, { workspace, resources }: TaskData): void {
  const files: [string, string][] = resources.map(({ name, tf_code }) => [`groundcrew_resource_${name}`, tf_code]);
  if (workspace.tf_code !== null) files.push(['groundcrew_workspace', workspace.tf_code]);
  if (workspace.provider_config !== null) files.push(['groundcrew_providers', providerCode(workspace.provider_config)]);
  for (const [stem, code] of files)
    writeFileSync(join(folder, `${stem}${isJson(code) ? '.tf.json' : '.tf'}`), code, { mode: 0o600 });
}

/** Settings by provider, `{"aws": {"region": "…"}}`; code with a `provider` of its own is taken as it is. */
function providerCode(config: unknown): string {
  const whole = typeof config === 'object' && config !== null && 'provider' in config ? config : { provider: config };
  return JSON.stringify(whole, null, 2);
}

/** HCL never is a JSON object. */
function isJson(code: string): boolean {
  if (!code.trimStart().startsWith('{')) return false;
  try {
    JSON.parse(code);
    return true;
  } catch {
    return false;
  }
}
