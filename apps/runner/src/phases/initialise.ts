import type { Phase } from '@groundcrew/protocol';
import { assertHttpBackend } from '@groundcrew/terraform';
import type { CommandName, CommandOrder } from '../launcher/index.ts';
import type { PhaseLog } from '../log/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import { checkProviders } from './check-providers.ts';
import { finished, type Outcome } from './outcome.ts';
import { isStopped, isUnknown, planLimits } from './situation.ts';

/**
 * Runs init, with a launcher for the command after it made ready meanwhile. Undefined when the folder is initialised, with its
 * state where it belongs and no provider in it that the agent may not use.
 * @throws ConfigurationMistake when the configuration got its own back end through after all.
 */
export async function initialise(
  context: AttemptContext,
  orders: Record<CommandName, CommandOrder>,
  phase: Phase,
): Promise<Outcome | undefined> {
  const { commands, standing } = context;
  if (isStopped(context)) {
    await context.log.open(phase);
    return finished('cancelled');
  }
  // First of all the word to the launcher: it goes out before this call is over.
  let log: PhaseLog | undefined;
  const running = commands.run(
    orders.init,
    planLimits(context, () => log),
  );
  // Heard below.
  running.catch(() => {});
  standing.enter('init');
  log = await openLog(context, phase, running);
  commands.prepare();
  const end = await running;
  const { code, signal, timedOut } = end;
  if (end.asked) return finished('cancelled', { exitCode: code, signal, timedOut });
  if (isUnknown(end)) return finished('interrupted', { message: 'Nobody saw how init ended.' });
  if (code !== 0) return finished('failed', { failedAt: 'init', exitCode: code, signal, message: await words(log) });
  await assertHttpBackend(orders.init.cwd);
  return isStopped(context) ? finished('cancelled') : checkProviders(context, orders.providers, log);
}

/** Opens the log while init is on its way: what it writes meanwhile stands in the raw file. */
async function openLog({ log }: AttemptContext, phase: Phase, running: Promise<unknown>): Promise<PhaseLog> {
  try {
    return await log.open(phase);
  } catch (error) {
    // The attempt may not be handed back under its feet.
    await running.catch(() => {});
    throw error;
  }
}

/** Terraform's own words about what went wrong, once all of them are read. */
async function words(log: PhaseLog): Promise<string> {
  await log.end();
  return log.output.errors.message() ?? 'Terraform init failed; its log says why.';
}
