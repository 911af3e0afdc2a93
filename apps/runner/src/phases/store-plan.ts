import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { PlanReport } from '@groundcrew/protocol';
import type { Entry } from '../journal/index.ts';
import { findStateOnDisk } from '../relay/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import { packPlan } from './plan-bundle.ts';

/** Sends the plan with its lock file; gives the plan's checksum. */
export async function sendPlan({ folder, server, acting }: AttemptContext, cwd: string): Promise<string> {
  const packed = await packPlan({ plan: folder.plan, cwd, bundle: folder.planBundle });
  await server.putPlanBundle({ ...packed, open: () => createReadStream(folder.planBundle) }, acting);
  return packed.planChecksum;
}

/** Tells what the plan that was sent would do. The server answers whether this attempt goes on to apply it. */
export async function reportPlan(
  { folder, server, journal, acting }: AttemptContext,
  plan_checksum: string,
  details: PlanReport['details'],
): Promise<Entry<'planned'>> {
  // What the relay gave Terraform last is what the plan was made from.
  const madeFrom = await findStateOnDisk(join(folder.state, 'fetched'));
  const origin = { lineage: madeFrom?.lineage ?? null, serial: madeFrom?.serial ?? null };
  const { proceed } = await server.reportPlan({ details, plan_checksum, ...origin }, acting);
  const { add, change, destroy } = details.counts;
  const planned = { plan_checksum, proceed, operations: add + change + destroy };
  await journal.write('planned', planned);
  return planned;
}
