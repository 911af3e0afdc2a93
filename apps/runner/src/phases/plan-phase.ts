import { stat } from 'node:fs/promises';
import { judgePlan, type PlanJson } from '@groundcrew/terraform';
import { type PhaseLog, secretsOf } from '../log/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import type { CommandEnd } from './commands.ts';
import { initialise } from './initialise.ts';
import { createOrders } from './orders.ts';
import { finished, type Outcome } from './outcome.ts';
import { writeIntent } from './permit.ts';
import { type Prepared, prepare } from './prepare.ts';
import { detailsOf, readPlan } from './read-plan.ts';
import { isStopped, isUnknown, planLimits } from './situation.ts';
import { reportPlan, sendPlan } from './store-plan.ts';

/** What the plan phase leads to: an outcome, or the apply of the plan by this same attempt. */
export type PlanResult = { outcome: Outcome } | { apply: Prepared };

/** `show` reads one file and starts the providers at most. */
const SHOW_TIMEOUT_MS = 600_000;

/** init → plan → show -json, then plan and report to the server, which says whether this attempt goes on to apply it. */
export async function planPhase(context: AttemptContext): Promise<PlanResult> {
  const { commands, standing, clock, journal } = context;
  const prepared = await prepare(context);
  const known = journal.find('planned');
  if (known !== undefined) return planned(prepared, known);
  const orders = createOrders(context, prepared);
  const stopped = await initialise(context, orders, 'plan');
  if (stopped !== undefined) return { outcome: stopped };
  const log = await context.log.open('plan');
  const planning = commands.run(
    orders.plan,
    planLimits(context, () => log),
  );
  standing.enter('planning');
  commands.prepare();
  const end = await planning;
  const limits = { ...planLimits(context, () => log), timeoutAt: clock.now() + SHOW_TIMEOUT_MS };
  const read = () => showPlan(context, prepared, () => commands.run(orders.show, limits));
  const found = (await isReadable(context, end)) ? await read() : undefined;
  const failure = await judge(context, end, found, log);
  if (failure !== undefined || found === undefined) return { outcome: failure ?? finished('failed') };
  return planned(prepared, await reportPlan(context, found.checksum, detailsOf(found.plan, secretsOf(context.data))));
}

function planned(
  prepared: Prepared,
  { proceed, plan_checksum }: { proceed: boolean; plan_checksum: string },
): PlanResult {
  return proceed
    ? { apply: prepared }
    : { outcome: finished('succeeded', { exitCode: 0, planChecksum: plan_checksum }) };
}

/** A plan that was interrupted may still end well and write its file; nothing of it is used. */
const isReadable = async (context: AttemptContext, { code, asked }: CommandEnd): Promise<boolean> =>
  code === 0 && !asked && !isStopped(context) && (await exists(context.folder.plan));

interface FoundPlan {
  plan: PlanJson;
  /** SHA-256 of the plan file, which the server has. */
  checksum: string;
}

/** Reads the plan while its file is on its way to the server. */
async function showPlan(
  context: AttemptContext,
  { cwd }: Prepared,
  show: () => Promise<CommandEnd>,
): Promise<FoundPlan | undefined> {
  const showing = show();
  const sending = sendPlan(context, cwd).then(async (checksum) => {
    if (context.data.attempt.action === 'plan_apply') await prepareApply(context, checksum);
    return checksum;
  });
  // Heard below, unless show itself fails.
  sending.catch(() => {});
  if (context.data.attempt.action === 'plan_apply') context.commands.prepare();
  const { code } = await showing;
  const plan = code === 0 ? await readPlan(context) : undefined;
  return plan === undefined ? undefined : { plan, checksum: await sending };
}

/** What the apply will need, should the server let this attempt go on with it. */
async function prepareApply(context: AttemptContext, planChecksum: string): Promise<void> {
  context.log.prepare('apply');
  await writeIntent(context, planChecksum);
}

/** Undefined when there is a plan to go on with. */
async function judge(
  context: AttemptContext,
  end: CommandEnd,
  found: FoundPlan | undefined,
  log: PhaseLog,
): Promise<Outcome | undefined> {
  const evidence = {
    cancelAsked: end.asked || isStopped(context),
    planFileExists: await exists(context.folder.plan),
    showParsed: found !== undefined,
  };
  const { outcome, message } = judgePlan({ ...end, ...evidence, tool: context.data.workspace.tool });
  if (outcome === 'planned') return undefined;
  const { code, signal, timedOut } = end;
  if (outcome === 'cancelled') return finished('cancelled', { exitCode: code, signal, timedOut });
  if (isUnknown(end)) return finished('interrupted', { message });
  await log.end();
  const words = log.output.errors.message() ?? message;
  // A plan that cannot be read back is a failure whatever its exit code says.
  return finished('failed', { failedAt: 'plan', exitCode: code === 0 ? 1 : code, signal, timedOut, message: words });
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
