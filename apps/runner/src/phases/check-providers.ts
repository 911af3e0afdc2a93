import { readFile } from 'node:fs/promises';
import { findForbiddenProviders, readProviders } from '@groundcrew/terraform';
import type { CommandOrder } from '../launcher/index.ts';
import type { PhaseLog } from '../log/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import { finished, type Outcome } from './outcome.ts';
import { isStopped, isUnknown, planLimits } from './situation.ts';

/**
 * Whether configuration, modules and state use nothing but what the agent may use, asked of Terraform itself after init: the
 * providers are downloaded by then, and none of them has run. Undefined when the attempt may go on. Where Terraform cannot say
 * it, nothing goes on. An agent that may use every provider spends no time on this.
 */
export async function checkProviders(
  context: AttemptContext,
  order: CommandOrder,
  log: PhaseLog,
): Promise<Outcome | undefined> {
  const { commands, data, folder } = context;
  const allowed = data.attempt.allowed_providers ?? null;
  if (allowed === null) return undefined;
  const asking = commands.run(
    order,
    planLimits(context, () => log),
  );
  commands.prepare();
  const end = await asking;
  const { code, signal, timedOut } = end;
  if (end.asked || isStopped(context)) return finished('cancelled', { exitCode: code, signal, timedOut });
  if (isUnknown(end)) return finished('interrupted', { message: 'Nobody saw which providers the configuration uses.' });
  if (code !== 0) return finished('failed', { failedAt: 'init', exitCode: code, signal, message: UNKNOWN });
  const used = readProviders(await readFile(folder.providers, 'utf8'));
  const forbidden = findForbiddenProviders(used, allowed);
  if (forbidden.length === 0) return undefined;
  const reason = explain(forbidden);
  await log.note(reason);
  return { kind: 'give_back', reason, providers: used };
}

const UNKNOWN =
  'Terraform could not say which providers the configuration uses, and this agent may not use all; its log says why.';

const explain = (forbidden: readonly string[]): string =>
  `The configuration uses ${forbidden.join(', ')}, which this agent may not use, so nothing was planned; allow it to with "groundcrew agent update", or give the pool an agent that may.`;
