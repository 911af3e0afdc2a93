import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { RawAnswer } from '@groundcrew/client';
import { sha256Hex } from '@groundcrew/kit';
import type { InstalledTool } from '@groundcrew/terraform';
import { DamagedDownload, receiveFile } from '../folder/index.ts';
import type { Entry } from '../journal/index.ts';
import { materialise } from '../materialise/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import { PassingTrouble } from './outcome.ts';
import { unpackPlan } from './plan-bundle.ts';

/** The program that runs, and where. */
export type Prepared = Entry<'prepared'>;

/**
 * Brings everything together that Terraform needs: configuration, program and, for an attempt that applies a stored plan, that
 * plan. Done once in the attempt; a successor finds it done.
 * @throws ConfigurationMistake, PassingTrouble, or what the server says.
 */
export async function prepare(context: AttemptContext): Promise<Prepared> {
  const { folder, journal, data, standing, log, commands } = context;
  const done = journal.find('prepared');
  if (done !== undefined) return done;
  standing.enter('fetching');
  const { tool, version, path: program } = await programOf(context);
  const prepared = { tool, version, program, cwd: join(folder.work, data.workspace.working_directory) };
  commands.prepare();
  const { notes } = await materialise(folder, data, await fetchConfiguration(context));
  if (data.plan_file !== null) await fetchPlan(context, prepared.cwd, data.plan_file.checksum);
  await say(context, [...notes, ...log.unmaskable().map(describeUnmaskable)]);
  // A successor needs to know what to mask.
  await context.dataKept;
  await journal.write('prepared', prepared);
  return prepared;
}

async function say({ data, log }: AttemptContext, notes: readonly string[]): Promise<void> {
  if (notes.length === 0) return;
  const phase = await log.open(data.attempt.action === 'apply' ? 'apply' : 'plan');
  for (const note of notes) await phase.note(note);
}

const describeUnmaskable = (name: string): string =>
  `A value of ${name} is too short to be masked: this log shows it if it is printed. Take one of 6 bytes or more.`;

/** What {@link prepare} came to, for whoever starts nothing any more: the program is of no use then, and may be lost. */
export function findPrepared({ folder, journal, data: { workspace } }: AttemptContext): Prepared {
  const cwd = join(folder.work, workspace.working_directory);
  return (
    journal.find('prepared') ?? { tool: workspace.tool, version: workspace.terraform_version ?? '', program: '', cwd }
  );
}

/** The one that was looked for early, if the data did not say something else in the end. */
async function programOf({ early, task, data, programs, acting }: AttemptContext): Promise<InstalledTool> {
  const { tool, terraform_version: version } = data.workspace;
  const isSame = task.tool === tool && task.terraform_version === version;
  return early !== undefined && isSame ? early : programs.find({ tool, version }, acting);
}

async function fetchConfiguration({
  folder,
  data,
  server,
  acting,
}: AttemptContext): Promise<Readable | Uint8Array | undefined> {
  const { configuration } = data;
  if (configuration === null) return undefined;
  const { content, checksum } = configuration;
  const given = Buffer.from(content ?? '', 'base64');
  if (sha256Hex(given) === checksum) return given;
  const path = join(folder.tmp, 'configuration.tar.gz');
  const receive = (answer: RawAnswer) => receiveFile(answer.stream(), path, checksum);
  await download(() => server.openConfiguration(acting), receive);
  return createReadStream(path);
}

async function fetchPlan({ folder, server, acting }: AttemptContext, cwd: string, checksum: string): Promise<void> {
  await download(
    () => server.openPlanBundle(acting),
    async (answer) => {
      await receiveFile(answer.stream(), folder.planBundle, answer.header('x-content-sha256'));
      const planChecksum = await unpackPlan({ plan: folder.plan, cwd, bundle: folder.planBundle });
      if (planChecksum !== checksum) throw new DamagedDownload('The stored plan is not the one that was approved.');
    },
  );
  await rm(folder.planBundle, { force: true });
}

const DOWNLOADS = 3;

/** A download that breaks off or arrives damaged is tried again a few times. */
async function download(
  open: () => Promise<RawAnswer>,
  receive: (answer: RawAnswer) => Promise<unknown>,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const answer = await open();
    try {
      await receive(answer);
      return;
    } catch (error) {
      answer.cancel();
      const { name, message } = error as Error;
      if (name !== 'DamagedDownload' && name !== 'ConnectionError') throw error;
      if (tries >= DOWNLOADS) throw new PassingTrouble(`A download from the server failed ${tries} times: ${message}`);
    }
  }
}
