import { sha256Hex } from '@groundcrew/kit';
import type { RouteName } from '@groundcrew/protocol';
import type { StagedAttempt } from './attempt-states-for-tests.ts';
import { type Call, exitRecord, logChunk, makeState, markOf, NONCE, stateHeaders } from './live-server-for-tests.ts';

type Message = (staged: StagedAttempt) => [route: RouteName, given: Call];

/** The state that comes with `post_state`, and that `finish` names. */
const STATE = makeState(3);

/** A message of each kind, as the runner of the attempt would send it. */
export const MESSAGES = {
  data: () => ['getTaskData', {}],
  configuration: () => ['getTaskConfiguration', {}],
  plan_file: () => ['getTaskPlanFile', {}],
  state: () => ['getTaskState', {}],
  renew: () => ['renewAttempt', { body: { stage: 'planning' } }],
  return: () => ['returnAttempt', { body: { reason: 'the disk is full' } }],
  put_plan({ attempt, planChecksum }) {
    const bundle = Buffer.from(`plan of ${attempt.id}`);
    const headers = { 'content-type': 'application/octet-stream', 'x-content-sha256': sha256Hex(bundle) };
    return ['putPlanFile', { body: bundle, headers: { ...headers, 'x-plan-sha256': planChecksum } }];
  },
  report_plan({ planChecksum }) {
    const counts = { add: 1, change: 0, destroy: 0, replace: 0, import: 0 };
    const changes = { has_changes: true, resource_changes: [], output_changes: [] };
    const details = { counts, terraform_version: '1.11.4', ...changes };
    return ['reportPlan', { body: { details, plan_checksum: planChecksum, lineage: null, serial: null } }];
  },
  permit: ({ planChecksum }) => ['askPermit', { body: { nonce: NONCE, plan_checksum: planChecksum } }],
  lock: ({ attempt }) => ['lockState', { body: { nonce: NONCE, lock_id: `lock-${attempt.id}` } }],
  post_state: () => ['postState', { body: STATE, headers: stateHeaders(STATE) }],
  log: () => ['appendLog', { body: logChunk('plan', 0, 'a line\n') }],
  status_running: () => ['putStatus', { body: { status: 'running', stage: 'planning' } }],
  status_failed: () => ['putStatus', { body: { status: 'failed', exit_code: 1 } }],
  finish: () => ['finishAttempt', { body: exitRecord({ result: 'failed', exit_code: 1, last_state: markOf(STATE) }) }],
  never_started: () => ['finishAttempt', { body: exitRecord({ result: 'never_started', exit_code: null }) }],
  interrupted: () => ['finishAttempt', { body: exitRecord({ result: 'interrupted', exit_code: null }) }],
} satisfies Record<string, Message>;
export type MessageName = keyof typeof MESSAGES;

/** What is taken from an attempt even after it has ended; everything else acts. */
export const DELIVERS: ReadonlySet<MessageName> = new Set([
  'post_state',
  'log',
  'finish',
  'never_started',
  'interrupted',
]);
