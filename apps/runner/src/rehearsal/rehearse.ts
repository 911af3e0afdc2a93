import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@groundcrew/client';
import { createHttpTransport } from '@groundcrew/client/node';
import { type RunnerBirth, ToRunner } from '@groundcrew/protocol';
import { attemptFolder, createFolders, replaceFile } from '../folder/index.ts';
import { openJournal } from '../journal/index.ts';
import { createWishes } from '../lease/index.ts';
import { type AttemptDeps, type OpenFolder, openAttempt, openFolder } from '../open-attempt.ts';
import { type AttemptState, createProgramFinder, createStanding, runAttempt } from '../phases/index.ts';
import { openStandInServer, type StandInServer } from './stand-in-server.ts';
import { TASK } from './task.ts';
import { visitRelay } from './visit-relay.ts';

type RehearsalDeps = Pick<AttemptDeps, 'folder' | 'birth' | 'version' | 'clock' | 'random' | 'logger'>;

/** Folder of the program that stands in for Terraform. */
const STAND_IN = fileURLToPath(new URL('../../assets/rehearsal/', import.meta.url));

/**
 * Carries out a whole attempt that touches nothing, with stand-ins for Terraform and for the server, the latter over real
 * connections of the loopback interface. What a program does for the first time takes it several times as long: this is done
 * while nobody waits. Cut short by `over`; never fails.
 */
export async function rehearse(deps: RehearsalDeps, over: AbortSignal): Promise<void> {
  const { folder, logger } = deps;
  const scratch = attemptFolder(join(folder.tmp, 'rehearsal'));
  let server: StandInServer | undefined;
  try {
    await createFolders(scratch);
    server = await openStandInServer();
    await attend({ ...deps, folder: scratch, logger: logger.child({}, { level: 'silent' }) }, server, over);
  } catch (error) {
    if (!over.aborted) logger.debug({ err: error }, 'the rehearsal failed; the first attempt will be a little slower');
  } finally {
    await server?.close();
    await rm(scratch.root, { recursive: true, force: true });
  }
}

async function attend(
  { birth, ...deps }: RehearsalDeps,
  { url, stateStored }: StandInServer,
  over: AbortSignal,
): Promise<void> {
  const { folder, clock } = deps;
  // What an agent would have put there, and would say.
  for (const path of [folder.birth, folder.task, folder.secret]) await replaceFile(path, '');
  ToRunner.parse({ type: 'assigned', task: TASK });
  const born: RunnerBirth = { ...birth, server_url: url, path: `${STAND_IN}:${birth.path}`, versions_dir: folder.tmp };
  const client = createClient({ baseUrl: url, token: () => 'of-nobody', transport: createHttpTransport() });
  const wishes = createWishes();
  over.addEventListener('abort', () => wishes.fence(), { once: true });
  const open = await openFolder({
    ...deps,
    journal: await openJournal(folder.journal),
    birth: born,
    programs: createProgramFinder(born),
    client,
    wishes,
    task: TASK,
    secret: 'nobody-asks-for-this-one',
    standing: createStanding(),
    onStarted: () => {},
    reserve: Promise.resolve({ release: async () => {} }),
  });
  try {
    const state = await runThrough(open);
    await visitRelay(state, over);
    await Promise.race([stateStored, clock.sleep(STATE_MS, over)]);
  } finally {
    await open.close();
    client.close();
  }
}

/** A state that takes longer does not come. */
const STATE_MS = 5_000;

/** Gives what is left of it: the way of its state, still open. */
async function runThrough(open: OpenFolder): Promise<AttemptState> {
  const { context, close } = await openAttempt(open);
  try {
    const { result } = await runAttempt(context, 'begin');
    if (result !== 'succeeded') throw new Error(`it ended as ${result}`);
    return context.state;
  } finally {
    await close();
  }
}
