import { statSync } from 'node:fs';
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

interface WantedProgram {
  tool: Tool;
  /** Null takes whatever the host has on its PATH. */
  version: string | null;
}

/** Finds Terraform on this host. */
export interface ProgramFinder {
  /** Has a look at PATH and remembers it, so that the next `find` takes no time. */
  look(): Promise<void>;
  /**
   * The program of the wanted version: on PATH, installed before, or installed now.
   * @throws ConfigurationMistake when no host will ever have it, PassingTrouble when this one does not.
   */
  find(wanted: WantedProgram, signal: AbortSignal): Promise<InstalledTool>;
}

export function createProgramFinder(birth: RunnerBirth): ProgramFinder {
  let seen: SeenProgram[] = [];
  return {
    async look() {
      const { tools } = await findOnPath(birth.path, { cacheDir: birth.versions_dir });
      seen = tools.map((program) => ({ program, print: printOf(program) }));
    },
    async find(wanted, signal) {
      const known = seen.find(
        ({ program, print }) => fits(program, wanted) && print !== undefined && print === printOf(program),
      );
      return known?.program ?? findProgram(wanted, birth, signal);
    },
  };
}

/** A program with what its file looked like then: another file may be of another version. */
interface SeenProgram {
  program: InstalledTool;
  print: string | undefined;
}

function printOf({ path }: InstalledTool): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.ino} ${found.size} ${found.mtimeMs}`;
}

const fits = ({ tool, version }: InstalledTool, wanted: WantedProgram): boolean =>
  tool === wanted.tool && (wanted.version ?? version) === version;

async function findProgram(wanted: WantedProgram, birth: RunnerBirth, signal: AbortSignal): Promise<InstalledTool> {
  const isWanted = (program: InstalledTool) => fits(program, wanted);
  const { tools, problems } = await findOnPath(birth.path, { cacheDir: birth.versions_dir });
  const found = tools.find(isWanted) ?? (await findInstalled(birth.versions_dir)).find(isWanted);
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
