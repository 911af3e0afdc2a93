import { decideTakeover } from '@groundcrew/runner/takeover';
import type { Attempt } from '@groundcrew/server/lifecycle';
import { type Folder, isAlive, NOTHING_HEARD } from '../folder.ts';
import type { Turn } from '../turn.ts';

/** The agents: they take offers, and start a runner on every folder that has none. */
export function agent(turn: Turn): void {
  const { world, folders } = turn.system;
  for (const attempt of world.attempts)
    if (attempt.state === 'offered' && !folders.some((folder) => folder.attemptId === attempt.id))
      turn.go('far', 'agent takes the offer', attempt.id, { folders: [...folders, newFolder(turn, attempt)] });
  for (const folder of folders) {
    if (folder.host === 'down') turn.move('host boots', folder, { host: 'up' });
    if (folder.host === 'up' && !folder.runnerLives) succeed(turn, folder);
  }
}

/** As written when the secret is in the folder; from then on `accept` is on its way. */
function newFolder(turn: Turn, { id, taskId, agentId, action }: Attempt): Folder {
  const task = turn.system.world.tasks.find((other) => other.id === taskId);
  return {
    attemptId: id,
    taskId,
    agentId,
    action,
    copy: false,
    host: 'up',
    runnerLives: true,
    planChecksum: action === 'apply' ? (task?.plan?.checksum ?? null) : null,
    madeFrom: null,
    begun: false,
    stored: false,
    nonce: null,
    permitted: false,
    fate: undefined,
    lockAnswered: false,
    report: null,
    terraform: 'none',
    exit: null,
    acted: false,
    writer: '',
    base: 0,
    written: 0,
    heard: NOTHING_HEARD,
  };
}

/** A new runner finds the folder as the old one left it; the table of re-adoption says what it does. */
function succeed(turn: Turn, folder: Folder): void {
  const planRuns = folder.begun && !folder.stored && folder.action !== 'apply' && folder.report === null;
  // Whether a plan still runs when its runner is dead is anybody's guess.
  for (const aliveHeld of planRuns ? [true, false] : [isAlive(folder)]) {
    const { begun, fate, report, exit } = folder;
    const takeover = decideTakeover({
      lockHeld: false,
      aliveHeld,
      journal: { begun, fate, exit: report !== null || exit !== null },
    });
    turn.move(`new runner: ${takeover}`, folder, { runnerLives: true, ...AFTER[takeover](folder) });
  }
}

const AFTER: Record<ReturnType<typeof decideTakeover>, (folder: Folder) => Partial<Folder>> = {
  attach: () => ({}),
  begin: () => ({}),
  take_over: () => ({}),
  deliver: () => ({}),
  // Without its lock Terraform has changed nothing; the server knows better if it has answered LOCK.
  report_interrupted: ({ lockAnswered }) => ({
    report: lockAnswered ? 'interrupted' : 'never_started',
    fate: 'started',
  }),
  report_never_started: () => ({ report: 'never_started', fate: 'never' }),
};
