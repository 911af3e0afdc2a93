import type { Dice } from '../kernel/dice.ts';

/** Everything that can go wrong. */
export const FAULT_KINDS = [
  'delay',
  'loss',
  'duplicate',
  'partition',
  'half_open',
  'server_crash',
  'server_stop',
  'agent_kill',
  'agent_stop',
  'runner_kill',
  'runner_stop',
  'launcher_kill',
  'terraform_kill',
  'power_cut',
  'host_lost',
  'disk_full',
  'disk_slow',
  'clock_jump',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** One thing that goes wrong for a while. */
export interface Fault {
  /** Its place in the schedule that it was drawn in; names its dice, so that leaving others out changes nothing for it. */
  readonly id: number;
  readonly kind: FaultKind;
  /** Milliseconds after the start. */
  readonly atMs: number;
  readonly forMs: number;
  /** Undefined for what concerns the server alone. */
  readonly host: string | undefined;
}

export interface ScheduleOptions {
  readonly hosts: readonly string[];
  readonly windowMs: number;
  /** Draws of these kinds only; of a part of all that the dice choose when not given. */
  readonly kinds?: readonly FaultKind[] | undefined;
}

const ABOUT_SERVER: readonly FaultKind[] = ['delay', 'loss', 'duplicate', 'server_crash', 'server_stop'];
const MOST_FAULTS = 14;

/**
 * Draws what goes wrong in one seed: first which kinds at all, then a number of them. A few kinds together find what each
 * alone and all at once do not (swarm testing); some seeds have none.
 */
export function drawFaults(dice: Dice, { hosts, windowMs, kinds: given }: ScheduleOptions): Fault[] {
  const share = dice.pick([0.1, 0.25, 0.5, 0.9]);
  const drawn = FAULT_KINDS.filter(() => dice.chance(share));
  const kinds = given ?? drawn;
  if (kinds.length === 0) return [];
  const faults = Array.from({ length: dice.between(1, MOST_FAULTS) }, (_, id): Fault => {
    const kind = dice.pick(kinds);
    const host = ABOUT_SERVER.includes(kind) ? undefined : dice.pick(hosts);
    return { id, kind, atMs: dice.between(0, windowMs), forMs: drawLength(dice), host };
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** Shorter than a poll, than a lease, than the time after which an attempt is lost, or longer than all of them. */
const drawLength = (dice: Dice): number => {
  const [low, high] = dice.pick([
    [50, 2_000],
    [2_000, 20_000],
    [20_000, 90_000],
    [90_000, 400_000],
  ] as const);
  return dice.between(low, high);
};

/** As people read it. */
export const describeFault = ({ kind, atMs, forMs, host }: Fault): string =>
  `${(atMs / 1000).toFixed(1).padStart(7)} s  ${kind}${host === undefined ? '' : ` on ${host}`} for ${(forMs / 1000).toFixed(1)} s`;
