import { type Folder, NOTHING_HEARD, writerOf } from '../folder.ts';
import type { Turn } from '../turn.ts';

/** The runners, each going on from what stands in its journal. A cancel, a fence or trouble of the host may stop one at any step. */
export function runner(turn: Turn): void {
  for (const folder of turn.system.folders) if (folder.host === 'up' && folder.runnerLives) workOn(turn, folder);
}

function workOn(turn: Turn, folder: Folder): void {
  if (folder.report !== null) amendReport(turn, folder);
  else if (!folder.begun) turn.move('runner begins', folder, { begun: true });
  else if (folder.terraform !== 'none') follow(turn, folder);
  else if (folder.permitted) start(turn, folder);
  else if (folder.nonce !== null) hearPermit(turn, folder);
  else goTowardsPermit(turn, folder);
}

function goTowardsPermit(turn: Turn, folder: Folder): void {
  if (folder.stored && folder.heard.plan === 'finish') turn.move('runner ends the plan', folder, { report: 'planned' });
  if (folder.action === 'apply' || (folder.stored && folder.heard.plan === 'proceed'))
    turn.move('runner writes its intent', folder, { nonce: `nonce of ${writerOf(folder)}`, heard: NOTHING_HEARD });
  if (folder.action !== 'apply' && !folder.stored) plan(turn, folder);
  turn.move('runner fails before the apply', folder, { report: 'plan_failed' });
  turn.move('runner hands back', folder, { report: 'returned' });
}

function plan(turn: Turn, folder: Folder): void {
  const madeFrom = folder.madeFrom ?? turn.system.world.workspace.state?.serial ?? null;
  turn.move('Terraform has planned', folder, { stored: true, planChecksum: `plan of ${folder.attemptId}`, madeFrom });
}

function hearPermit(turn: Turn, folder: Folder): void {
  const { granted, denied } = folder.heard;
  if (granted) turn.move('runner has its permit', folder, { permitted: true, heard: NOTHING_HEARD });
  if (denied) turn.move('runner hears there is no permit', folder, { report: 'never_started', heard: NOTHING_HEARD });
}

/** The launcher is given its word, or a cancel came in time to be spared the start. */
function start(turn: Turn, folder: Folder): void {
  if (folder.fate === undefined) {
    turn.move('runner starts the apply', folder, { terraform: 'launching' });
    turn.move('runner rules the apply out', folder, { fate: 'never', report: 'never_started' });
  } else if (folder.fate === 'never')
    turn.move('runner finds the apply ruled out', folder, { report: 'never_started' });
}

/** Relays what Terraform is answered, and sees it end. */
function follow(turn: Turn, folder: Folder): void {
  const { terraform, heard, exit } = folder;
  if (terraform === 'locking' && heard.locked)
    turn.move('Terraform has its lock', folder, {
      terraform: 'acting',
      lockAnswered: true,
      acted: true,
      writer: writerOf(folder),
      base: turn.system.world.workspace.state?.serial ?? 0,
      heard: NOTHING_HEARD,
    });
  if (terraform === 'locking' && heard.lockDenied)
    turn.move('Terraform is denied its lock', folder, { terraform: 'over', exit: 'badly', heard: NOTHING_HEARD });
  if (terraform === 'over' && exit !== null) turn.move('runner writes the exit record', folder, { report: 'applied' });
}

function amendReport(turn: Turn, folder: Folder): void {
  if (!folder.heard.refused) return;
  const heard = NOTHING_HEARD;
  if (folder.report === 'returned') turn.move('runner may not hand back', folder, { report: 'never_started', heard });
  // The server answered LOCK, and we died before that was written down.
  if (folder.report === 'never_started')
    turn.move('runner learns it was started', folder, { report: 'interrupted', heard });
}
