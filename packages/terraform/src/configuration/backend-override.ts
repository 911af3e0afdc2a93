import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastName, listConfigFiles } from './config-files.ts';
import { ConfigurationMistake } from './configuration-mistake.ts';
import { findBackendOverrides, findOwnBackend, type OwnBackend } from './own-backend.ts';

// An override replaces any back end or cloud block, and stands in for a missing one. The address and the credentials come from
// the environment, so that none of it is written into .terraform or the plan file.
const OVERRIDE = `${JSON.stringify({ terraform: { backend: { http: {} } } })}\n`;

export interface WrittenOverride {
  /** Name of the file in the configuration's folder. */
  file: string;
  /** What it replaced, to be told to the user. */
  replaced: OwnBackend | undefined;
}

/**
 * Makes the configuration in `dir` keep its state with the `http` back end, whatever it says itself. Writing it again is fine.
 * @throws ConfigurationMistake when an override file of the configuration declares a back end of its own.
 */
export async function writeBackendOverride(dir: string): Promise<WrittenOverride> {
  const overrides = (await listConfigFiles(dir)).filter((file) => file.override);
  const foreign: string[] = [];
  for (const { name } of overrides) if (!isOurs(join(dir, name))) foreign.push(name);
  const rival = (await findBackendOverrides(dir)).find(({ file }) => foreign.includes(file));
  if (rival) throw new ConfigurationMistake(rivalSentence(rival));
  const file = lastName(foreign, 'zzzz_groundcrew_override', '.tf.json');
  // Not an extension that Terraform reads, should the host die between the two lines.
  const draft = join(dir, `${file}.draft`);
  writeFileSync(draft, OVERRIDE, { mode: 0o600 });
  renameSync(draft, join(dir, file));
  return { file, replaced: await findOwnBackend(dir) };
}

/** Tells the user that the back end of the configuration is not used. */
export function describeReplacedBackend(replaced: OwnBackend): string {
  return `Groundcrew keeps the state of this workspace, so ${nameOf(replaced)} in ${replaced.file} is not used.`;
}

/**
 * Checks after `init` that the state really goes to the relay and that no address or credential was written down.
 * @throws ConfigurationMistake when it is not so.
 */
export async function assertHttpBackend(dir: string): Promise<void> {
  const path = join(dir, '.terraform', 'terraform.tfstate');
  const backend = readBackendRecord(path);
  if (backend?.type !== 'http') {
    throw new ConfigurationMistake(
      `After init the state would go to ${backend?.type ? `a ${JSON.stringify(backend.type)} back end` : 'a local file'} instead of Groundcrew; look for a file of the configuration that sets a back end and remove it.`,
    );
  }
  const set = Object.entries(backend.config ?? {}).find(([, value]) => value !== null);
  if (set)
    throw new ConfigurationMistake(
      `After init the http back end has its own "${set[0]}"; remove the back end's settings from the configuration.`,
    );
}

function readBackendRecord(path: string): { type?: string; config?: Record<string, unknown> } | undefined {
  const text = findText(path) ?? 'null';
  try {
    return JSON.parse(text)?.backend;
  } catch {
    throw new ConfigurationMistake(`After init ${path} is not JSON; run the task again.`);
  }
}

function findText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isOurs(path: string): boolean {
  return readFileSync(path).equals(Buffer.from(OVERRIDE));
}

const nameOf = ({ kind, type }: OwnBackend): string =>
  kind === 'cloud' ? 'the cloud block' : `the back end ${JSON.stringify(type ?? '')}`;

function rivalSentence(rival: OwnBackend): string {
  return `The override file ${rival.file} of the configuration sets ${nameOf(rival)}, but the state of this workspace is kept by Groundcrew; remove it from that file.`;
}
