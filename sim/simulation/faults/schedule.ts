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
  'oom_kill',
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
  /** Then it waits for the next apply on its host, and strikes so many milliseconds into it. Undefined when it waits for nothing. */
  readonly intoApplyMs: number | undefined;
  readonly forMs: number;
  /** Where it strikes, or whose apply it waits for; undefined for what concerns no host. */
  readonly host: string | undefined;
}

export interface ScheduleOptions {
  readonly hosts: readonly string[];
  readonly windowMs: number;
  /** Draws of these kinds only; of a part of all that the dice choose when not given. */
  readonly kinds?: readonly FaultKind[] | undefined;
}

const ABOUT_SERVER: readonly FaultKind[] = ['delay', 'loss', 'duplicate', 'server_crash', 'server_stop'];

/** False for what concerns the server or the whole network, whichever host it waited for. */
export const isAboutHost = ({ kind }: Fault): boolean => !ABOUT_SERVER.includes(kind);
const MOST_SCATTERED = 14;
const MOST_STORMS = 5;
/** What takes something with it for good; a storm has more of these. */
const DEATHS: readonly FaultKind[] = [
  'server_crash',
  'runner_kill',
  'launcher_kill',
  'terraform_kill',
  'oom_kill',
  'power_cut',
];

/**
 * Draws what goes wrong in one seed: first which kinds at all, then a number of faults at any time, and of storms. A few kinds
 * together find what each alone and all at once do not (swarm testing); some seeds have none.
 */
export function drawFaults(dice: Dice, options: ScheduleOptions): Fault[] {
  const share = dice.pick([0.1, 0.25, 0.5, 0.9]);
  const drawn = FAULT_KINDS.filter(() => dice.chance(share));
  const kinds = options.kinds ?? drawn;
  if (kinds.length === 0) return [];
  const scattered = Array.from({ length: dice.between(1, MOST_SCATTERED) }, () => drawScattered(dice, kinds, options));
  const storms = Array.from({ length: dice.between(0, MOST_STORMS) }, () => drawStorm(dice, kinds, options));
  const faults = [...scattered, ...storms.flat()].map((fault, id) => ({ ...fault, id }));
  return faults.sort((a, b) => a.atMs - b.atMs);
}

type Drawn = Omit<Fault, 'id'>;

function drawScattered(dice: Dice, kinds: readonly FaultKind[], { hosts, windowMs }: ScheduleOptions): Drawn {
  const kind = dice.pick(kinds);
  const host = ABOUT_SERVER.includes(kind) ? undefined : dice.pick(hosts);
  return { kind, atMs: dice.between(0, windowMs), intoApplyMs: undefined, forMs: drawLength(dice), host };
}

/**
 * Several faults within one apply, close together. The dangerous moments are short: a host spends little of its time applying,
 * and most faults at any time meet it idle, or alone what only two of them at once bring to light.
 */
function drawStorm(dice: Dice, kinds: readonly FaultKind[], { hosts, windowMs }: ScheduleOptions): Drawn[] {
  const host = dice.pick(hosts);
  const atMs = dice.between(0, windowMs / 2);
  const deaths = kinds.filter((kind) => DEATHS.includes(kind));
  const drawKind = () => dice.pick(deaths.length > 0 && dice.chance(0.5) ? deaths : kinds);
  const centreMs = dice.between(0, 40_000);
  return Array.from({ length: dice.between(2, 4) }, (): Drawn => {
    const intoApplyMs = centreMs + dice.between(0, dice.pick([20, 1_000, 10_000]));
    return { kind: drawKind(), atMs, intoApplyMs, forMs: drawLength(dice), host };
  });
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
export function describeFault({ kind, atMs, intoApplyMs, forMs, host }: Fault): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const where = host === undefined ? '' : ` on ${host}`;
  const into = intoApplyMs === undefined ? '' : `, ${seconds(intoApplyMs)} into the next apply there`;
  return `${seconds(atMs).padStart(9)}  ${kind}${where} for ${seconds(forMs)}${into}`;
}
