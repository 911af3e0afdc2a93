import { listProcessesBelow, sendSignal } from '../../harness/index.ts';
import { newToken, PATIENT, readTask } from '../asked.ts';
import { type Bed, createBed } from '../bed.ts';
import type { Host } from '../host.ts';
import { atMost, type Figure, type Scenario, secondsSince } from './scenario.ts';
import { type Begun, beginApply, beginPlan, until } from './steps.ts';

const CONTACT_LOST_S = 80;
const ELSEWHERE_S = 150;
const LOOK = { timeoutMs: 300_000, everyMs: 250 };

/** A machine that is switched off while it applies and plans, and one that is left. */
export const hostDead: Scenario = {
  doc: 'kill -9 of everything on a host: when people read "contact lost", and when its plan runs elsewhere',
  async run(context) {
    const bed = await createBed({ lab: context.lab, hosts: [{ slots: 2 }] });
    const secret = newToken();
    const apply = await beginApply(bed, { label: 'apply', secret, seconds: 120 });
    const plan = await beginPlan(bed, { label: 'plan', secret });
    // The plan must have nowhere else to be until its host is dead.
    await bed.addHost({ slots: 2 });
    killAll(plan.host);
    const diedAt = performance.now();
    context.say(
      'the host is dead; the default figures give an attempt 60 s until its contact counts as lost, 120 s until it is lost',
    );
    const figures = await Promise.all([
      timeContactLost(bed, apply, diedAt),
      timeContactLost(bed, plan, diedAt),
      timeElsewhere(bed, plan, diedAt),
    ]);
    return figures;
  },
};

async function timeContactLost(bed: Bed, { id, label }: Begun, diedAt: number): Promise<Figure> {
  const isLost = async () => ((await readTask(bed, id)).contact_lost_since === null ? undefined : true);
  await until(`people read "contact lost" of the ${label}`, isLost, LOOK);
  return atMost(`"contact lost" is read of the ${label}`, [secondsSince(diedAt)], CONTACT_LOST_S);
}

async function timeElsewhere(bed: Bed, { id, host }: Begun, diedAt: number): Promise<Figure> {
  const { id: deadAgent } = await host.agent.getRecord();
  const isElsewhere = async () => {
    const { items } = await bed.client.call('listAttempts', { params: { task_id: id } }, PATIENT);
    const newest = items[0];
    return newest !== undefined && newest.agent_id !== deadAgent && newest.state === 'running' ? true : undefined;
  };
  await until('the plan runs elsewhere', isElsewhere, LOOK);
  return atMost('the plan is running again elsewhere', [secondsSince(diedAt)], ELSEWHERE_S);
}

/** Everything at once, provisioners as well: the machine is gone. */
function killAll({ agent }: Host): void {
  for (let round = 0; round < 3; round += 1)
    for (const { pid } of [{ pid: agent.pid }, ...listProcessesBelow(agent.workDir)]) sendSignal(pid, 'SIGKILL');
}
