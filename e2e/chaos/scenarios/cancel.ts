import { watch } from 'node:fs';
import { join } from 'node:path';
import { newToken, type Secret } from '../asked.ts';
import { type Bed, createBed } from '../bed.ts';
import { atMost, type Scenario } from './scenario.ts';
import { type Begun, beginApply, beginPlan, readIfThere, until, waitForVerdict } from './steps.ts';

const PUSH_MS = 300;
/** A renewal every 15 s; the agent's own long poll is no help to an attempt that runs. */
const PULL_S = 15 + 5;
const ROUNDS = { push: 10, pull: 3 };

/** A person cancels; how long until Terraform has its interrupt. */
export const cancel: Scenario = {
  doc: 'cancel of a plan and of an apply, with a pushing and with a pulling agent: when Terraform has its interrupt',
  async run(context) {
    const secret = newToken();
    const push = await createBed({ lab: context.lab, hosts: [{ slots: 2 }] });
    const pushed = await measure(push, secret, ROUNDS.push, context.say);
    const pull = await createBed({ lab: context.lab, hosts: [{ slots: 2, mode: 'pull' }] });
    const pulled = await measure(pull, secret, ROUNDS.pull, context.say);
    return [
      atMost('cancel of a plan until the interrupt, push', pushed.plan, PUSH_MS, 'ms'),
      atMost('cancel of an apply until the interrupt, push', pushed.apply, PUSH_MS, 'ms'),
      atMost('cancel of a plan until the interrupt, pull', pulled.plan.map(toSeconds), PULL_S),
      atMost('cancel of an apply until the interrupt, pull', pulled.apply.map(toSeconds), PULL_S),
    ];
  },
};

const toSeconds = (ms: number): number => ms / 1000;

async function measure(
  bed: Bed,
  secret: Secret,
  rounds: number,
  say: (line: string) => void,
): Promise<{ plan: number[]; apply: number[] }> {
  const samples = { plan: [] as number[], apply: [] as number[] };
  for (let round = 1; round <= rounds; round += 1) {
    samples.plan.push(await timeInterrupt(bed, await beginPlan(bed, { label: `p${round}`, secret }), 'raw-plan'));
    const apply = await beginApply(bed, { label: `a${round}`, secret, seconds: 60 });
    samples.apply.push(await timeInterrupt(bed, apply, 'raw-apply'));
    say(
      `round ${round} of ${rounds}: plan ${samples.plan.at(-1)?.toFixed(0)} ms, apply ${samples.apply.at(-1)?.toFixed(0)} ms`,
    );
  }
  return samples;
}

/** Milliseconds from before the request until Terraform writes that it was interrupted. */
async function timeInterrupt(bed: Bed, { id, folder }: Begun, file: string): Promise<number> {
  const raw = join(folder, file);
  let interruptedAt: number | undefined;
  const look = () => {
    if (interruptedAt === undefined && readIfThere(raw).includes('Interrupt received'))
      interruptedAt = performance.now();
  };
  const watcher = watch(raw, look);
  try {
    const startedAt = performance.now();
    await bed.client.call('cancelTask', { params: { task_id: id }, body: {} });
    const at = await until(
      'Terraform says that it was interrupted',
      () => {
        look();
        return interruptedAt;
      },
      { timeoutMs: 60_000, everyMs: 10 },
    );
    await waitForVerdict(bed, id, 60_000);
    return at - startedAt;
  } finally {
    watcher.close();
  }
}
