import { expect, it } from 'vitest';
import { decideTakeover, type FolderEvidence, type Takeover } from './takeover.ts';

const nothing = { begun: false, fate: undefined, exit: false };
const begun = { ...nothing, begun: true };

it.each<[string, FolderEvidence, Takeover]>([
  ['a living runner', { lockHeld: true, aliveHeld: true, journal: begun }, 'attach'],
  [
    'a living runner that has ended its task',
    { lockHeld: true, aliveHeld: false, journal: { ...begun, exit: true } },
    'attach',
  ],
  [
    'Terraform without a runner',
    { lockHeld: false, aliveHeld: true, journal: { ...begun, fate: 'started' } },
    'take_over',
  ],
  ['a plan without a runner', { lockHeld: false, aliveHeld: true, journal: begun }, 'take_over'],
  [
    'a straggler after the end',
    { lockHeld: false, aliveHeld: true, journal: { begun: true, fate: 'started', exit: true } },
    'take_over',
  ],
  [
    'an apply that has ended',
    { lockHeld: false, aliveHeld: false, journal: { begun: true, fate: 'started', exit: true } },
    'deliver',
  ],
  ['a plan that has ended', { lockHeld: false, aliveHeld: false, journal: { ...begun, exit: true } }, 'deliver'],
  [
    'an apply nobody saw end',
    { lockHeld: false, aliveHeld: false, journal: { ...begun, fate: 'started' } },
    'report_interrupted',
  ],
  ['no apply', { lockHeld: false, aliveHeld: false, journal: begun }, 'report_never_started'],
  [
    'an apply that was ruled out',
    { lockHeld: false, aliveHeld: false, journal: { ...begun, fate: 'never' } },
    'report_never_started',
  ],
  [
    'ruled out before it began',
    { lockHeld: false, aliveHeld: false, journal: { ...nothing, fate: 'never' } },
    'report_never_started',
  ],
  ['a folder with nothing but its task', { lockHeld: false, aliveHeld: false, journal: nothing }, 'begin'],
])('%s', (_, evidence, takeover) => {
  expect(decideTakeover(evidence)).toBe(takeover);
});

it('never begins, and never reports an end, while Terraform may run', () => {
  for (const fate of [undefined, 'started', 'never'] as const)
    for (const exit of [true, false])
      for (const isBegun of [true, false])
        expect(decideTakeover({ lockHeld: false, aliveHeld: true, journal: { begun: isBegun, fate, exit } })).toBe(
          'take_over',
        );
});
