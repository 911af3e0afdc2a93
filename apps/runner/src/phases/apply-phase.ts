import { type ApplyVerdict, judgeApply } from '@groundcrew/terraform';
import { findFate, settleFate } from '../journal/index.ts';
import type { PhaseLog } from '../log/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import { isPlanChanged, PLAN_CHANGED } from './check-plan.ts';
import type { CommandEnd } from './commands.ts';
import { initialise } from './initialise.ts';
import { rescueStates } from './last-state.ts';
import { createOrders } from './orders.ts';
import { type FinishOutcome, finished, type Outcome } from './outcome.ts';
import { takePermit } from './permit.ts';
import { type Prepared, prepare } from './prepare.ts';
import { applyLimits, isStopped, isUnknown } from './situation.ts';
import { tellProgress } from './tell-progress.ts';
import { listUnrecorded } from './unrecorded.ts';

/** An attempt that applies a stored plan: makes the folder as it was when it was planned, then applies. */
export async function storedPlanPhase(context: AttemptContext): Promise<Outcome> {
  const prepared = await prepare(context);
  return (await initialise(context, createOrders(context, prepared), 'apply')) ?? applyPhase(context, prepared);
}

/** Permit → apply → the last state safe. From the moment Terraform is started nothing but its end leads out of here. */
export async function applyPhase(context: AttemptContext, prepared: Prepared): Promise<Outcome> {
  const { journal, commands, standing } = context;
  const { apply } = createOrders(context, prepared);
  commands.prepare();
  const log = await context.log.open('apply', journal.find('planned')?.operations);
  const refused = await takePermit(context);
  if (refused !== undefined) return refused;
  const ruledOut = await ruleOut(context);
  if (ruledOut !== undefined) return ruledOut;
  standing.enter('applying');
  const over = new AbortController();
  const telling = tellProgress(context, log, over.signal);
  const end = await commands.run(
    apply,
    applyLimits(context, () => log),
  );
  standing.enter('saving_state');
  await rescueStates(context, prepared.cwd, log);
  await log.end();
  // Only now is the last line read, and what it tells is for the exit record.
  over.abort();
  await telling;
  return outcomeOf(context, end, log);
}

/** Why no apply is started any more, if so. A cancel between permit and start is in time to be spared the start. */
async function ruleOut(context: AttemptContext): Promise<FinishOutcome | undefined> {
  const { dir } = context.journal;
  const fate = await findFate(dir);
  if (fate === 'never') return finished('never_started');
  if (fate === 'started') return undefined;
  const message = (await isPlanChanged(context)) ? PLAN_CHANGED : null;
  if (message === null && !isStopped(context)) return undefined;
  if ((await settleFate(dir)) === 'started') return undefined;
  return finished('never_started', message === null ? {} : { message });
}

async function outcomeOf(context: AttemptContext, end: CommandEnd, log: PhaseLog): Promise<FinishOutcome> {
  const { outcome, message } = await judge(context, end, log);
  const { code, signal, timedOut } = end;
  const failed = outcome === 'failed';
  return finished(outcome, {
    exitCode: code,
    signal,
    timedOut,
    failedAt: failed ? 'apply' : null,
    message: outcome === 'succeeded' ? null : ((failed ? log.output.errors.message() : null) ?? message),
    unrecorded: outcome === 'interrupted' ? await listUnrecorded(context, log) : [],
  });
}

/** A death before LOCK was answered is no death in the middle: without its lock Terraform changes nothing. */
async function judge({ journal, data }: AttemptContext, end: CommandEnd, log: PhaseLog): Promise<ApplyVerdict> {
  const never = isUnknown(end) && (await settleFate(journal.dir)) === 'never';
  const diedEarly = end.code === null && journal.find('locked') === undefined;
  const forcedExit = log.output.progress().interrupt === 'forced';
  return judgeApply({
    ...end,
    tool: data.workspace.tool,
    cancelAsked: end.asked,
    started: !never && !diedEarly,
    forcedExit,
  });
}
