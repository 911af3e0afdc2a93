import { readFile } from 'node:fs/promises';
import type { RunnerBirth, Tool } from '@groundcrew/protocol';
import {
  ConfigurationMistake,
  findInstalled,
  findOnPath,
  InstallError,
  type InstalledTool,
  installTool,
  toolTitle,
} from '@groundcrew/terraform';
import { PassingTrouble } from './outcome.ts';

export interface WantedProgram {
  tool: Tool;
  /** Null takes whatever the host has on its PATH. */
  version: string | null;
}

/**
 * The program of the wanted version: on PATH, installed before, or installed now.
 * @throws ConfigurationMistake when no host will ever have it, PassingTrouble when this one does not.
 */
export async function findProgram(
  wanted: WantedProgram,
  birth: RunnerBirth,
  signal: AbortSignal,
): Promise<InstalledTool> {
  const fits = ({ tool, version }: InstalledTool) => tool === wanted.tool && (wanted.version ?? version) === version;
  const { tools, problems } = await findOnPath(birth.path, { cacheDir: birth.versions_dir });
  const found = tools.find(fits) ?? (await findInstalled(birth.versions_dir)).find(fits);
  if (found !== undefined) return found;
  if (wanted.version !== null && birth.install.enabled)
    return install({ ...wanted, version: wanted.version }, birth, signal);
  throw new PassingTrouble(explainAbsence(wanted, problems));
}

async function install(
  { tool, version }: WantedProgram & { version: string },
  { install, versions_dir }: RunnerBirth,
  signal: AbortSignal,
): Promise<InstalledTool> {
  const baseUrl = tool === 'terraform' ? install.terraform_url : install.tofu_url;
  const keys = install.key_file === null ? undefined : await readFile(install.key_file, 'utf8');
  try {
    return await installTool(tool, version, {
      installDir: versions_dir,
      signal,
      ...(baseUrl === null ? {} : { baseUrl }),
      ...(keys === undefined ? {} : { keys }),
    });
  } catch (error) {
    if (!(error instanceof InstallError)) throw error;
    throw error.failure === 'not_offered' ? new ConfigurationMistake(error.message) : new PassingTrouble(error.message);
  }
}

function explainAbsence({ tool, version }: WantedProgram, problems: readonly string[]): string {
  const what = version === null ? toolTitle(tool) : `${toolTitle(tool)} ${version}`;
  const found = problems.length === 0 ? '' : ` What was found does not work: ${problems.join(' ')}`;
  return `${what} is not on the agent's PATH, and it may not install versions itself; install it there, or change the workspace's version.${found}`;
}
