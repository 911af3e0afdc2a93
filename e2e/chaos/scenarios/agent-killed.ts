import { type AskedTask, newToken } from '../asked.ts';
import { createBed } from '../bed.ts';
import { findViolations } from '../checker.ts';
import { observe } from '../observe.ts';
import { allOf, atMost, none, type Scenario, secondsSince } from './scenario.ts';
import { type Begun, beginApply, until, waitForDelivery, waitForVerdict } from './steps.ts';

const ROUNDS = 10;
const READOPTED_S = 5;

/** The agent dies under its applies, again and again. */
export const agentKilled: Scenario = {
  doc: 'kill -9 of the agent during an apply, and its start: the apply goes on and is applied, and soon has its agent again',
  async run(context) {
    const bed = await createBed({ lab: context.lab, hosts: [{ slots: 2 }] });
    const secret = newToken();
    const asked: AskedTask[] = [];
    const waits: number[] = [];
    let applied = 0;
    for (let round = 1; round <= ROUNDS; round += 1) {
      const begun = await beginApply(bed, { label: `a${round}`, secret, seconds: 10 });
      asked.push(begun);
      waits.push(await timeReadoption(begun));
      const { status } = await waitForVerdict(bed, begun.id, 60_000);
      if (status === 'applied') applied += 1;
      context.say(`round ${round} of ${ROUNDS}: ${status}, re-adopted after ${waits.at(-1)?.toFixed(1)} s`);
    }
    await waitForDelivery(bed, 30_000);
    return [
      allOf('applies under a killed agent that are applied', applied, ROUNDS),
      atMost('re-adopted after the new agent is up', waits, READOPTED_S),
      none('violations of ledger, state and log', findViolations(await observe(bed, asked, secret)).length),
    ];
  },
};

/** Seconds from the moment the server sees the new agent until that agent tells it that it holds the attempt. */
async function timeReadoption({ host: { agent }, attemptId }: Begun): Promise<number> {
  await agent.kill9();
  const killedAt = Date.now();
  await agent.restart();
  const upAt = performance.now();
  await until(
    'the new agent says that it holds the attempt',
    async () => {
      const { last_heartbeat: said } = await agent.getRecord();
      const isNew = Date.parse(said?.timestamp ?? '') > killedAt;
      return isNew && said?.current_tasks.includes(attemptId) ? true : undefined;
    },
    { timeoutMs: 30_000, everyMs: 50 },
  );
  return secondsSince(upAt);
}
