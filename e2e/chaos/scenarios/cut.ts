import { setTimeout as sleep } from 'node:timers/promises';
import { newToken } from '../asked.ts';
import { createBed } from '../bed.ts';
import { findViolations } from '../checker.ts';
import { observe } from '../observe.ts';
import { atMost, type Figure, none, type Scenario, secondsSince } from './scenario.ts';
import { beginApply, until, waitForDelivery, waitForVerdict } from './steps.ts';

const WITHIN_S = 10;
/** Of the cut, the apply takes so much: all of it has to be delivered when the link is back. */
const SHARE = 0.8;

/** A long cut, in which the apply ends. */
export const cut: Scenario = {
  doc: 'a cut of --cut-minutes (10) between agent and server during an apply: applied, the log whole soon after',
  async run(context) {
    const bed = await createBed({ lab: context.lab, hosts: [{ slots: 1 }] });
    const secret = newToken();
    const cutMs = context.cutMinutes * 60_000;
    const begun = await beginApply(bed, { label: 'cut', secret, seconds: (cutMs / 1000) * SHARE });
    begun.host.link.setMode({ kind: 'cut' });
    context.say(`the link is cut for ${context.cutMinutes} minutes`);
    await sleep(cutMs);
    begun.host.link.setMode({ kind: 'open' });
    const backAt = performance.now();
    const { status } = await waitForVerdict(bed, begun.id, 180_000);
    const appliedAfter = secondsSince(backAt);
    await until('the log is whole', async () => {
      const { items } = await bed.client.call('listLogStreams', { params: { task_id: begun.id } });
      return items.length === 2 && items.every(({ complete }) => complete) ? true : undefined;
    });
    const wholeAfter = secondsSince(backAt);
    await waitForDelivery(bed, 60_000);
    const violations = findViolations(await observe(bed, [begun], secret));
    for (const { sentence } of violations) context.say(sentence);
    return [
      applied(status),
      atMost('the task reads applied after the return of the link', [appliedAfter], WITHIN_S),
      atMost('the log is whole after the return of the link', [wholeAfter], WITHIN_S),
      none('violations of ledger, state and log', violations.length),
    ];
  },
};

const applied = (status: string): Figure => ({
  what: 'the task ends',
  measured: status,
  target: 'applied',
  met: status === 'applied',
});
