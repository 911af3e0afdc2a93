import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApplyVerdict, assertHttpBackend, judgeApply, listStateResources } from '@groundcrew/terraform';
import { findFate, settleFate } from '../journal/index.ts';
import type { PhaseLog } from '../log/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import type { CommandEnd } from './commands.ts';
import { rescueErroredState } from './errored-state.ts';
import { findUnrecorded } from './find-unrecorded.ts';
import { createOrders } from './orders.ts';
import { type FinishOutcome, finished, type Outcome } from './outcome.ts';
import { takePermit } from './permit.ts';
import { isStopped, isUnknown, judgeInit, planLimits } from './plan-phase.ts';
import { type Prepared, prepare } from './prepare.ts';

/** An attempt that applies a stored plan: prepares the folder as the plan's was, then applies. */
export async function storedPlanPhase(context: AttemptContext): Promise<Outcome> {
  const prepared = await prepare(context);
  const log = await context.log.open('apply');
  if (isStopped(context) && context.journal.find('intent') === undefined) return finished('cancelled');
  const orders = createOrders(context, prepared);
  context.standing.enter('init');
  const initialising = context.commands.run(orders.init, planLimits(context, log));
  context.commands.prepare(orders.apply);
  const failure = judgeInit(await initialising, log);
  if (failure !== undefined) return failure;
  await assertHttpBackend(prepared.cwd);
  return applyPhase(context, prepared);
}

/** Permit → apply → the last state safe. From the moment Terraform is started nothing but its end leads out of here. */
export async function applyPhase(context: AttemptContext, prepared: Prepared): Promise<Outcome> {
  const { journal, commands, standing, clock, data } = context;
  const log = await context.log.open('apply', journal.find('planned')?.operations);
  const { apply } = createOrders(context, prepared);
  commands.prepare(apply);
  const refused = await takePermit(context);
  if (refused !== undefined) return refused;
  const fate = await findFate(journal.dir);
  if (fate === 'never') return finished('never_started');
  // A cancel that came after the permit, but before Terraform: it is spared the start.
  if (fate === undefined && isStopped(context) && (await settleFate(journal.dir)) === 'never')
    return finished('never_started');
  standing.enter('applying');
  const timeoutAt =
    (Date.parse(journal.find('permitted')?.at ?? '') || clock.now()) + data.attempt.apply_timeout_seconds * 1000;
  const end = await commands.run(apply, { timeoutAt, acknowledged: () => log.output.progress().interrupt !== 'none' });
  standing.enter('saving_state');
  await saveState(context, prepared, log);
  return outcomeOf(context, end, log);
}

async function saveState({ state, logger }: AttemptContext, { cwd }: Prepared, log: PhaseLog): Promise<void> {
  const rescued = await rescueErroredState(cwd, state.spool);
  if (rescued === undefined) return;
  state.forwarder.wake();
  logger.warn({ serial: rescued.name?.serial }, 'Terraform could not save its state; errored.tfstate was taken in');
  await log.note(
    'Terraform could not save its state and left it in errored.tfstate; it is delivered to the server as any other state.',
  );
}

async function outcomeOf(context: AttemptContext, end: CommandEnd, log: PhaseLog): Promise<FinishOutcome> {
  const verdict = await judge(context, end, log);
  const words = verdict.outcome === 'failed' ? log.output.errors.message() : null;
  const unrecorded = verdict.outcome === 'interrupted' ? await listUnrecorded(context, log) : [];
  const message = verdict.outcome === 'succeeded' ? null : (words ?? verdict.message);
  return finished(verdict.outcome, {
    exitCode: end.code,
    signal: end.signal,
    timedOut: end.timedOut,
    failedAt: verdict.outcome === 'failed' ? 'apply' : null,
    message,
    unrecorded,
  });
}

/** A death before LOCK was answered is no death in the middle: without its lock Terraform changes nothing. */
async function judge({ journal, data }: AttemptContext, end: CommandEnd, log: PhaseLog): Promise<ApplyVerdict> {
  const never = isUnknown(end) && (await settleFate(journal.dir)) === 'never';
  const died = end.code === null && journal.find('locked') === undefined;
  const forcedExit = log.output.progress().interrupt === 'forced';
  return judgeApply({
    ...end,
    tool: data.workspace.tool,
    cancelAsked: end.asked,
    started: !never && !died,
    forcedExit,
  });
}

async function listUnrecorded(
  { state, folder, log: secrets }: AttemptContext,
  log: PhaseLog,
): Promise<FinishOutcome['unrecorded']> {
  const path = state.spool.newest()?.path ?? join(folder.state, 'fetched');
  const bytes = await readFile(path).catch(() => Buffer.from('{"resources":[]}'));
  const missing = findUnrecorded(log.output.progress().completed, listStateResources(bytes));
  return missing.slice(0, MAX_UNRECORDED).map(({ address, action, id }) => ({
    address: cut(address),
    action,
    id: id === null ? null : cut(secrets.mask(id)),
  }));
}

/** As many, and as long, as an exit record takes. */
const MAX_UNRECORDED = 10_000;
const cut = (text: string): string => text.slice(0, 1024);
