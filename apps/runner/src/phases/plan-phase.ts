import { access, readFile } from 'node:fs/promises';
import type { PlanReport } from '@groundcrew/protocol';
import {
  assertHttpBackend,
  collectPlanSecrets,
  describePlan,
  judgePlan,
  type PlanJson,
  parsePlan,
  type SensitiveValue,
  summarisePlan,
} from '@groundcrew/terraform';
import { type PhaseLog, secretsOf } from '../log/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import type { CommandEnd, CommandLimits } from './commands.ts';
import { createOrders } from './orders.ts';
import { finished, type Outcome } from './outcome.ts';
import { type Prepared, prepare } from './prepare.ts';
import { storePlan } from './store-plan.ts';

/** What the plan phase leads to: an outcome, or the apply of the plan with this checksum. */
export type PlanResult = { outcome: Outcome } | { apply: Prepared };

/** `show` reads one file and starts the providers at most. */
const SHOW_TIMEOUT_MS = 600_000;

/** init → plan → show -json, then plan and report to the server, which says whether this attempt goes on to apply it. */
export async function planPhase(context: AttemptContext): Promise<PlanResult> {
  const prepared = await prepare(context);
  const known = context.journal.find('planned');
  if (known !== undefined) return known.proceed ? { apply: prepared } : { outcome: planDone(known.plan_checksum) };
  const log = await context.log.open('plan');
  const limits = planLimits(context, log);
  const orders = createOrders(context, prepared);
  context.commands.prepare(orders.init);
  if (isStopped(context)) return { outcome: finished('cancelled') };
  context.standing.enter('init');
  const initialising = context.commands.run(orders.init, limits);
  context.commands.prepare(orders.plan);
  const failure = judgeInit(await initialising, log);
  if (failure !== undefined) return { outcome: failure };
  await assertHttpBackend(prepared.cwd);
  if (isStopped(context)) return { outcome: finished('cancelled') };
  context.standing.enter('planning');
  const planning = context.commands.run(orders.plan, limits);
  context.commands.prepare(orders.show);
  return afterPlan(context, prepared, log, await planning, () =>
    context.commands.run(orders.show, { ...limits, timeoutAt: context.clock.now() + SHOW_TIMEOUT_MS }),
  );
}

async function afterPlan(
  context: AttemptContext,
  prepared: Prepared,
  log: PhaseLog,
  end: CommandEnd,
  show: () => Promise<CommandEnd>,
): Promise<PlanResult> {
  const planFileExists = await exists(context.folder.plan);
  const readable = end.code === 0 && planFileExists && !end.asked;
  const plan = readable ? await readPlan(context, await show()) : undefined;
  const tool = context.data.workspace.tool;
  const { outcome, message } = judgePlan({
    ...end,
    tool,
    cancelAsked: end.asked || isStopped(context),
    planFileExists,
    showParsed: plan !== undefined,
  });
  const evidence = { exitCode: end.code, signal: end.signal, timedOut: end.timedOut };
  if (outcome === 'cancelled') return { outcome: finished('cancelled', evidence) };
  if (isUnknown(end)) return { outcome: finished('interrupted', { message }) };
  if (outcome === 'failed' || plan === undefined) {
    const words = log.output.errors.message() ?? message;
    // A plan that cannot be read back is a failure whatever the exit code says.
    return {
      outcome: finished('failed', {
        ...evidence,
        exitCode: end.code === 0 ? 1 : end.code,
        failedAt: 'plan',
        message: words,
      }),
    };
  }
  const { plan_checksum, proceed } = await storePlan(context, prepared, detailsOf(plan, secretsOf(context.data)));
  context.standing.enter('plan_saved');
  return proceed ? { apply: prepared } : { outcome: planDone(plan_checksum) };
}

const planDone = (planChecksum: string): Outcome => finished('succeeded', { exitCode: 0, planChecksum });

/** Undefined when init did what it should. */
export function judgeInit(end: CommandEnd, log: PhaseLog): Outcome | undefined {
  if (end.asked) return finished('cancelled', { exitCode: end.code, signal: end.signal, timedOut: end.timedOut });
  if (end.code === 0) return undefined;
  if (isUnknown(end)) return finished('interrupted', { message: 'Nobody saw how init ended.' });
  const message = log.output.errors.message() ?? 'Terraform init failed; its log says why.';
  return finished('failed', { failedAt: 'init', exitCode: end.code, signal: end.signal, message });
}

/** The plan as the tool itself tells it; its secrets are masked from here on. Undefined when it cannot be read. */
async function readPlan({ folder, log, logger }: AttemptContext, shown: CommandEnd): Promise<PlanJson | undefined> {
  if (shown.code !== 0) return undefined;
  try {
    const plan = parsePlan(await readFile(folder.planJson));
    await log.learn(collectPlanSecrets(plan));
    return plan;
  } catch (error) {
    logger.error({ err: error }, 'the plan cannot be read back');
    return undefined;
  }
}

/** What the server is told of a plan, without secrets. */
function detailsOf(plan: PlanJson, secrets: readonly SensitiveValue[]): PlanReport['details'] {
  const { add, change, destroy, replace, import: imports, applyable } = summarisePlan(plan);
  const values = secrets.map(({ value }) => value).filter((value) => value.length >= MIN_SECRET_LENGTH);
  const isSecret = (text: string) => values.some((value) => text.includes(value));
  return {
    counts: { add, change, destroy, replace, import: imports },
    has_changes: applyable,
    terraform_version: plan.terraform_version ?? '',
    ...describePlan(plan, { isSecret }),
  };
}

const MIN_SECRET_LENGTH = 6;

/** Init and plan share the plan's time, counted from the attempt's beginning. */
export function planLimits({ journal, data, clock }: AttemptContext, log: PhaseLog): CommandLimits {
  const begunAt = Date.parse(journal.find('begun')?.at ?? '') || clock.now();
  return {
    timeoutAt: begunAt + data.attempt.plan_timeout_seconds * 1000,
    acknowledged: () => log.output.progress().interrupt !== 'none',
  };
}

export const isStopped = ({ wishes }: AttemptContext): boolean => wishes.cancelLevel > 0 || wishes.fenced;
export const isUnknown = ({ code, signal }: CommandEnd): boolean => code === null && signal === null;

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
