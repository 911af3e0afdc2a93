import { readFile } from 'node:fs/promises';
import type { PlanReport } from '@groundcrew/protocol';
import {
  collectPlanSecrets,
  describePlan,
  type PlanJson,
  parsePlan,
  type SensitiveValue,
  summarisePlan,
} from '@groundcrew/terraform';
import type { AttemptContext } from './attempt-context.ts';

/** The plan as `show -json` told it; its secrets are masked from here on. Undefined when it cannot be understood. */
export async function readPlan({ folder, log, logger }: AttemptContext): Promise<PlanJson | undefined> {
  try {
    const plan = parsePlan(await readFile(folder.planJson));
    await log.learn(collectPlanSecrets(plan));
    return plan;
  } catch (error) {
    logger.error({ err: error }, 'the plan cannot be read back');
    return undefined;
  }
}

/** A shorter one would be found in innocent text. */
const MIN_SECRET_LENGTH = 6;

/** What the server is told of a plan. No value in it holds any of the secrets, whether or not Terraform marks it. */
export function detailsOf(plan: PlanJson, secrets: readonly SensitiveValue[]): PlanReport['details'] {
  const { add, change, destroy, replace, import: imports, applyable } = summarisePlan(plan);
  const values = secrets.map(({ value }) => value).filter((value) => value.length >= MIN_SECRET_LENGTH);
  return {
    counts: { add, change, destroy, replace, import: imports },
    has_changes: applyable,
    terraform_version: plan.terraform_version ?? '',
    ...describePlan(plan, { isSecret: (text) => values.some((value) => text.includes(value)) }),
  };
}
