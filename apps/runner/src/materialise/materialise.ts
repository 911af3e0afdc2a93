import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { TaskData } from '@groundcrew/protocol';
import {
  describeReplacedBackend,
  findUndeclaredVariables,
  renderCliConfig,
  writeBackendOverride,
  writeVariables,
} from '@groundcrew/terraform';
import type { AttemptFolder } from '../folder/index.ts';
import { unpackArchive } from './unpack-archive.ts';
import { workingFolder, writeServerCode } from './write-code.ts';

export interface Materialised {
  /** Where Terraform runs. */
  cwd: string;
  /** Sentences for the log, such as that the configuration's own back end is not used. */
  notes: string[];
}

/**
 * Makes the folder Terraform runs in out of what the server gave: archive, code kept on the server, variables, the back end
 * override and the CLI's settings. Starts from an empty folder, so that doing it again is fine.
 * @param archive the configuration's `.tar.gz`; undefined when there is none
 * @throws ConfigurationMistake with a sentence for the author of the configuration.
 */
export async function materialise(
  folder: AttemptFolder,
  data: TaskData,
  archive: Readable | Uint8Array | undefined,
): Promise<Materialised> {
  rmSync(folder.work, { recursive: true, force: true });
  mkdirSync(folder.work, { mode: 0o700 });
  if (archive !== undefined) await unpackArchive(archive, folder.work);
  const cwd = workingFolder(folder.work, data);
  writeServerCode(cwd, data);
  await writeDeclaredVariables(cwd, data);
  const { replaced } = await writeBackendOverride(cwd);
  writeFileSync(folder.cliConfig, renderCliConfig(), { mode: 0o600 });
  return { cwd, notes: replaced === undefined ? [] : [describeReplacedBackend(replaced)] };
}

async function writeDeclaredVariables(cwd: string, { variables }: TaskData): Promise<void> {
  const ours = variables.filter(({ category }) => category === 'terraform');
  const names = ours.map(({ key }) => key);
  const undeclared = new Set(await findUndeclaredVariables(cwd, names));
  await writeVariables(
    cwd,
    ours.filter(({ key }) => !undeclared.has(key)),
  );
}
