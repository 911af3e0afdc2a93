import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RawAnswer } from '@groundcrew/client';
import { DamagedDownload, receiveFile } from '../folder/receive-file.ts';
import type { Entry } from '../journal/index.ts';
import { materialise } from '../materialise/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import { findProgram } from './find-program.ts';
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
  const { folder, journal, data, birth, standing, log } = context;
  const done = journal.find('prepared');
  if (done !== undefined) return done;
  standing.enter('fetching');
  const wanted = { tool: data.workspace.tool, version: data.workspace.terraform_version };
  const finding = findProgram(wanted, birth, context.acting);
  // Told below; without this a failing download would leave it unheard.
  finding.catch(() => {});
  const { cwd, notes } = await materialise(folder, data, await fetchConfiguration(context));
  if (data.plan_file !== null) await fetchPlan(context, cwd, data.plan_file.checksum);
  const { tool, version, path } = await finding;
  const phase = await log.open(data.attempt.action === 'apply' ? 'apply' : 'plan');
  for (const note of notes) await phase.note(note);
  const prepared = { tool, version, program: path, cwd };
  await journal.write('prepared', prepared);
  return prepared;
}

async function fetchConfiguration({ folder, data, server, acting }: AttemptContext): Promise<string | undefined> {
  const { configuration } = data;
  if (configuration === null) return undefined;
  const path = join(folder.tmp, 'configuration.tar.gz');
  await download(
    () => server.openConfiguration(acting),
    (answer) => receiveFile(answer.stream(), path, configuration.checksum),
  );
  return path;
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
