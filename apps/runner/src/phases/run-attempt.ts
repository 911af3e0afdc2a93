import { ApiError } from '@groundcrew/client';
import type { FinishRequest } from '@groundcrew/protocol';
import { ConfigurationMistake } from '@groundcrew/terraform';
import { findFate, settleFate, type Takeover } from '../journal/index.ts';
import type { PhaseLog } from '../log/index.ts';
import { applyPhase, storedPlanPhase } from './apply-phase.ts';
import type { AttemptContext } from './attempt-context.ts';
import { deliver } from './deliver.ts';
import { exitRecord } from './exit-record.ts';
import { type FinishOutcome, finished, type GivenBack, type Outcome, PassingTrouble } from './outcome.ts';
import { planPhase } from './plan-phase.ts';
import { findPrepared } from './prepare.ts';
import { timeOf } from './situation.ts';

/** How the attempt ended, for the agent. */
export interface AttemptEnd {
  result: FinishRequest['result'] | 'returned';
  exitCode: number | null;
  seconds: number;
  message: string | null;
}

/**
 * Brings the attempt to its end and that end to the server, from wherever it stands: every step finds in the journal what was
 * done before it, so the same lines serve a first runner and a successor. Throws only when Terraform may be changing things and
 * this process cannot go on; the folder then waits for another runner.
 */
export async function runAttempt(context: AttemptContext, takeover: Takeover): Promise<AttemptEnd> {
  const record = context.journal.find('finish')?.record ?? (await finish(context, takeover));
  if (record === undefined) return returned(context);
  if (context.journal.find('confirmed') === undefined) await deliver(context, record, await openLogs(context, record));
  return {
    result: record.result,
    exitCode: record.exit_code,
    seconds: record.duration ?? 0,
    message: record.error_message,
  };
}

/** Gives the exit record, written down for good; undefined when the attempt was handed back. */
async function finish(context: AttemptContext, takeover: Takeover): Promise<FinishRequest | undefined> {
  const outcome = await reachOutcome(context, takeover);
  context.commands.close();
  if (outcome.kind === 'finish') return conclude(context, outcome);
  // With a permit the attempt cannot be handed back, only reported as never started.
  if (context.journal.find('permitted') !== undefined) return conclude(context, await ruleOut(context, outcome.reason));
  if (await giveBack(context, outcome)) return undefined;
  return conclude(context, finished('never_started', { message: outcome.reason }));
}

async function reachOutcome(context: AttemptContext, takeover: Takeover): Promise<Outcome> {
  if (takeover === 'report_never_started' && (await settleFate(context.journal.dir)) === 'never')
    return finished('never_started');
  try {
    return await runPhases(context);
  } catch (error) {
    if ((await findFate(context.journal.dir)) === 'started') throw error;
    return outcomeOfError(context, error);
  }
}

/**
 * Of an attempt whose apply was started only that is left to look at: whatever has been asked for since, and whatever the
 * machine's death has taken of what came before.
 */
async function runPhases(context: AttemptContext): Promise<Outcome> {
  const { action } = context.data.attempt;
  if ((await findFate(context.journal.dir)) === 'started') {
    if (action !== 'apply') endPlanLog(context).catch(() => {});
    return applyPhase(context, findPrepared(context));
  }
  if (action === 'apply') return storedPlanPhase(context);
  const plan = await planPhase(context);
  if ('outcome' in plan) return plan.outcome;
  context.standing.enter('plan_saved');
  // Told to whoever ends it for good.
  endPlanLog(context).catch(() => {});
  return applyPhase(context, plan.apply);
}

/** Its last bytes can wait until the apply is under way; they are sent while it runs. */
async function endPlanLog({ log, clock }: AttemptContext): Promise<void> {
  await clock.sleep(END_PLAN_LOG_MS);
  await (await log.open('plan')).end();
}

const END_PLAN_LOG_MS = 500;

async function outcomeOfError(context: AttemptContext, error: unknown): Promise<Outcome> {
  const { wishes, logger, data, log } = context;
  if (error instanceof ConfigurationMistake) {
    const phase = await log.open(data.attempt.action === 'apply' ? 'apply' : 'plan');
    await phase.note(error.message);
    return finished('failed', { failedAt: 'configuration', message: error.message });
  }
  if (wishes.fenced || (error instanceof ApiError && error.code === 'fenced'))
    return finished('cancelled', { message: 'The attempt lost its right to act.' });
  logger.error({ err: error }, 'the attempt cannot go on here');
  const reason =
    error instanceof PassingTrouble || error instanceof ApiError
      ? error.message
      : `The runner failed: ${(error as Error).message}`;
  return { kind: 'give_back', reason };
}

async function ruleOut({ journal }: AttemptContext, reason: string): Promise<FinishOutcome> {
  const fate = await settleFate(journal.dir);
  if (fate === 'started') throw new Error(`the apply was started, but: ${reason}`);
  return finished('never_started', { message: reason });
}

/** Nothing of a log is owed for an attempt that was handed back, but it may say why. */
const LOG_FIRST_MS = 2_000;

/** False when the server does not take it back any more. */
async function giveBack(
  { server, log, logger, clock }: AttemptContext,
  { reason, providers }: GivenBack,
): Promise<boolean> {
  try {
    const logs = await log.opened();
    const sent = Promise.all(logs.map((phase) => phase.end().then(() => phase.delivered())));
    await Promise.race([sent, clock.sleep(LOG_FIRST_MS)]);
    await server.giveBack(log.mask(reason), providers);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    logger.info({ err: error }, 'the server does not take the attempt back');
    return false;
  }
}

const returned = (context: AttemptContext): AttemptEnd => ({
  result: 'returned',
  exitCode: null,
  seconds: secondsOf(context),
  message: null,
});

/** Ends the logs, measures everything, and writes the exit record down before anybody hears of it. */
async function conclude(context: AttemptContext, outcome: FinishOutcome): Promise<FinishRequest> {
  const { journal, state, log, clock, reserve } = context;
  const logs = await Promise.all((await log.opened()).map((phase) => phase.end()));
  const facts = {
    logs,
    lastState: state.spool.newest(),
    mask: (text: string) => log.mask(text),
    seconds: secondsOf(context),
    progress: context.standing.progress,
  };
  const record = exitRecord(outcome, facts);
  const write = () => journal.write('finish', { record, at: new Date(clock.now()).toISOString() });
  // A log may have filled the disk, but not the room that is kept for this.
  await write().catch(async () => {
    await (await reserve).release();
    await write();
  });
  return record;
}

/** The logs that the record names. Terraform is gone, also for a successor that finds the record: nothing is held back any more. */
const openLogs = ({ log }: AttemptContext, { logs }: FinishRequest): Promise<PhaseLog[]> =>
  Promise.all(
    logs.map(async ({ phase }) => {
      const opened = await log.open(phase);
      await opened.end();
      return opened;
    }),
  );

function secondsOf({ journal, clock }: AttemptContext): number {
  const begunAt = timeOf(journal.find('begun')?.at) ?? clock.now();
  return Math.max(0, clock.now() - begunAt) / 1000;
}
