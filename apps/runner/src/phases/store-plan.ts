import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { PlanReport } from '@groundcrew/protocol';
import type { Entry } from '../journal/index.ts';
import { findStateOnDisk } from '../relay/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import { packPlan } from './plan-bundle.ts';
import type { Prepared } from './prepare.ts';

/** Sends the plan with its lock file, then what it would do. The server answers whether this attempt goes on to apply it. */
export async function storePlan(
  { folder, server, journal, acting }: AttemptContext,
  { cwd }: Prepared,
  details: PlanReport['details'],
): Promise<Entry<'planned'>> {
  const packed = await packPlan({ plan: folder.plan, cwd, bundle: folder.planBundle });
  await server.putPlanBundle({ ...packed, open: () => createReadStream(folder.planBundle) }, acting);
  // What the relay gave Terraform last is what the plan was made from.
  const madeFrom = await findStateOnDisk(join(folder.state, 'fetched'));
  const report = {
    details,
    plan_checksum: packed.planChecksum,
    lineage: madeFrom?.lineage ?? null,
    serial: madeFrom?.serial ?? null,
  };
  const { proceed } = await server.reportPlan(report, acting);
  const { add, change, destroy } = details.counts;
  const planned = { plan_checksum: packed.planChecksum, proceed, operations: add + change + destroy };
  await journal.write('planned', planned);
  return planned;
}
