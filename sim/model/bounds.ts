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

/** All but copied hosts, which have bounds of their own: two far sides with one name make by far the most states. */
const USUAL_KINDS: readonly Disturbance[] = [
  'runner_crash',
  'host_crash',
  'pod_loss',
  'changed_plan',
  'revoke',
  'lock',
  'terraform_lock',
  'push',
];

const CRASHES: readonly Disturbance[] = ['runner_crash', 'host_crash', 'pod_loss'];

const BY_HAND = { type: 'plan_and_apply', autoApprove: false } as const;
const AUTO = { type: 'plan_and_apply', autoApprove: true } as const;

const USUAL = {
  disturbances: 1,
  kinds: USUAL_KINDS,
  statesPerApply: 1,
  ghosts: 0,
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
    name: 'one apply, approved by hand, closely',
    tasks: [BY_HAND],
    statesPerApply: 2,
    ghosts: 1,
    logs: true,
    emptyPlans: true,
  },
  { ...USUAL, name: 'one apply, auto-approved', tasks: [AUTO], statesPerApply: 2, ghosts: 1 },
  { ...USUAL, name: 'one apply on a copied host', tasks: [AUTO], kinds: ['clone'] },
  { ...USUAL, name: 'one apply, disturbed twice', tasks: [AUTO], disturbances: 2, maxReturns: 1, maxLosses: 1 },
  {
    ...USUAL,
    name: 'one apply, approved by hand, three crashes',
    tasks: [BY_HAND],
    disturbances: 3,
    kinds: CRASHES,
    maxReturns: 1,
    maxLosses: 1,
  },
  { ...USUAL, name: 'two applies, approved by hand', tasks: [BY_HAND, BY_HAND], kinds: ['runner_crash'] },
  { ...USUAL, name: 'two applies, auto-approved', tasks: [AUTO, AUTO], disturbances: 0 },
  { ...USUAL, name: 'a restored backup', tasks: [AUTO], kinds: ['restore'], maxReturns: 1, maxLosses: 1 },
];

const SMALL = { ...USUAL, ghosts: 1, maxReturns: 1, maxLosses: 1 } as const;

/** Where a missing guard is looked for, one after the other. */
export const SMALL_SCENARIOS: readonly Bounds[] = [
  { ...SMALL, name: 'by hand, undisturbed', tasks: [BY_HAND], disturbances: 0, maxReturns: 2, maxLosses: 2 },
  { ...SMALL, name: 'auto, undisturbed', tasks: [AUTO], disturbances: 0, statesPerApply: 2 },
  { ...SMALL, name: 'auto', tasks: [AUTO] },
  { ...SMALL, name: 'by hand', tasks: [BY_HAND] },
  { ...SMALL, name: 'copied host', tasks: [AUTO], kinds: ['clone'], ghosts: 0 },
  { ...SMALL, name: 'two tasks', tasks: [AUTO, AUTO], disturbances: 0, ghosts: 0 },
];
