import type { TaskType } from '@groundcrew/protocol';

/** What one exploration is limited by. What is not limited here is not limited at all. */
export interface Bounds {
  readonly name: string;
  readonly tasks: readonly { readonly type: TaskType; readonly autoApprove: boolean }[];
  /** Faults and other people's acts on one path, of whatever kinds: crash, clone, revocation, lock, push, changed plan file. */
  readonly disturbances: number;
  readonly kinds: readonly Disturbance[];
  /** States that one Terraform writes at most. */
  readonly statesPerApply: number;
  /** Attempts that ended without a permit and may still be heard of; older ones fall silent. */
  readonly ghosts: number;
  /** Exit records name logs, which arrive by themselves. */
  readonly logs: boolean;
  /** Plans without changes exist too. */
  readonly emptyPlans: boolean;
  /** The last task is created at any time instead of at the beginning. */
  readonly lateTask: boolean;
  readonly maxReturns: number;
  readonly maxLosses: number;
}

export type Disturbance =
  | 'runner_crash'
  | 'host_crash'
  | 'pod_loss'
  | 'clone'
  | 'revoke'
  | 'changed_plan'
  | 'lock'
  | 'terraform_lock'
  | 'push'
  | 'restore';

const FAULTS: readonly Disturbance[] = ['runner_crash', 'host_crash', 'pod_loss', 'clone', 'changed_plan'];
const PEOPLE: readonly Disturbance[] = ['revoke', 'lock', 'terraform_lock', 'push'];
const EVERYTHING = [...FAULTS, ...PEOPLE];

const byHand = { type: 'plan_and_apply', autoApprove: false } as const;
const auto = { type: 'plan_and_apply', autoApprove: true } as const;
const planOnly = { type: 'plan', autoApprove: false } as const;

const USUAL = {
  kinds: EVERYTHING,
  statesPerApply: 1,
  ghosts: 1,
  logs: false,
  emptyPlans: false,
  lateTask: false,
  maxReturns: 2,
  maxLosses: 2,
} as const;

/** What the default run explores, each to its last state. Together they cover every event of the step function. */
export const SCENARIOS: readonly Bounds[] = [
  {
    ...USUAL,
    name: 'one apply, closely',
    tasks: [byHand],
    disturbances: 2,
    statesPerApply: 2,
    logs: true,
    emptyPlans: true,
  },
  { ...USUAL, name: 'one apply without a pause', tasks: [auto], disturbances: 3, statesPerApply: 2 },
  { ...USUAL, name: 'two applies by hand', tasks: [byHand, byHand], disturbances: 1 },
  { ...USUAL, name: 'two applies without a pause', tasks: [auto, auto], disturbances: 2 },
  { ...USUAL, name: 'a plan beside an apply', tasks: [auto, planOnly], disturbances: 1, emptyPlans: true },
  {
    ...USUAL,
    name: 'a restored backup',
    tasks: [auto, auto],
    disturbances: 1,
    kinds: ['restore'],
    lateTask: true,
    ghosts: 0,
  },
];
