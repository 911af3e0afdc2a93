import { setTimeout as sleep } from 'node:timers/promises';
import { type AskedTask, newToken } from '../asked.ts';
import { createBed } from '../bed.ts';
import { countDiffering } from '../check-logs.ts';
import { findViolations } from '../checker.ts';
import { observe } from '../observe.ts';
import { allOf, none, type Scenario } from './scenario.ts';
import { askForApply, waitForDelivery, waitForOutput, waitForVerdict } from './steps.ts';

const APPLIES = 20;
const AWAY_MS = 60_000;
/** Long enough that some end while the server is away and some after. */
const APPLY_SECONDS = [20, 40, 60, 80, 100] as const;

/** A minute without a server, in the middle of many applies. */
export const serverKilled: Scenario = {
  doc: 'kill -9 of the server during 20 applies, up again after 60 s: all applied, no byte and no state lost',
  async run(context) {
    const bed = await createBed({ lab: context.lab, hosts: [{ slots: 10 }, { slots: 10 }] });
    const secret = newToken();
    const asked: AskedTask[] = [];
    for (let n = 0; n < APPLIES; n += 1) {
      const seconds = 60 + (APPLY_SECONDS[n % APPLY_SECONDS.length] ?? 0);
      asked.push(await askForApply(bed, { label: `s${n + 1}`, secret, seconds }));
    }
    for (const task of asked) await waitForOutput(bed, task, 'raw-apply', /Creating\.\.\./);
    context.say(`${APPLIES} applies are under way; the server is killed for ${AWAY_MS / 1000} s`);
    await bed.server.kill9();
    await sleep(AWAY_MS);
    await bed.server.restart();
    const statuses: string[] = [];
    for (const { id } of asked) statuses.push((await waitForVerdict(bed, id, 300_000)).status);
    await waitForDelivery(bed, 60_000);
    const seen = await observe(bed, asked, secret);
    const violations = findViolations(seen);
    for (const { sentence } of violations) context.say(sentence);
    const differing = seen.tasks
      .flatMap((task) => task.logs.map(countDiffering))
      .reduce((sum, bytes) => sum + bytes, 0);
    return [
      allOf(
        'applies through a minute without a server that are applied',
        statuses.filter((status) => status === 'applied').length,
        APPLIES,
      ),
      none('bytes of log lost or changed', differing),
      none('states lost', violations.filter(({ kind }) => kind === 'state_lost').length),
      none('violations of ledger, state and log', violations.length),
    ];
  },
};
