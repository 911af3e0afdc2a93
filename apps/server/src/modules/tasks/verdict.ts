import { type AgentId, type AttemptId, type Stage, type TaskVerdict, TaskVerdictKind } from '@groundcrew/protocol';
import type { VerdictFacts } from './verdict-store.ts';
import type { TaskView } from './view-store.ts';
import { listWaysOut } from './ways-out.ts';

/** How many resources a sentence names. */
const NAMED_AT_MOST = 5;
const KINDS = new Set<string>(TaskVerdictKind.options);

/** Why a task cannot go on by itself; undefined when it can, or has ended well. */
export function findVerdictKind(task: TaskView): TaskVerdict['kind'] | undefined {
  const code = task.reason_code;
  const mayTell = task.status === 'needs_attention' || (task.status === 'failed' && code === 'closed');
  if (mayTell && code !== null && KINDS.has(code)) return code as TaskVerdict['kind'];
  return isOutOfContact(task) ? 'contact_lost' : undefined;
}

/** Derived from the lease, so that there is nothing to remember when contact comes back. */
const isOutOfContact = ({ attempt_id, attempt_state, lease_until, now }: TaskView): boolean =>
  attempt_id !== null && attempt_state === 'running' && lease_until !== null && lease_until < now;

/** When its lease ran out, as long as nothing has been heard since. */
export const contactLostSince = (task: TaskView): string | null =>
  isOutOfContact(task) ? (task.lease_until?.toISOString() ?? null) : null;

/** What people are told of a task that cannot go on by itself: what is known, what may still happen, what they can do. */
export function toVerdict(task: TaskView, kind: TaskVerdict['kind'], facts: VerdictFacts): TaskVerdict {
  const may_still_run = mayStillRun(task, facts);
  const { lastState: last_state, unrecorded, quarantined } = facts;
  const known = {
    kind,
    since: ((kind === 'contact_lost' ? task.lease_until : facts.since) ?? task.created_at).toISOString(),
    may_still_run,
    may_close: task.status === 'needs_attention' || (kind === 'contact_lost' && task.permit === 'used'),
    warning: may_still_run ? warn(task, last_state) : null,
    last_state,
    unrecorded,
    quarantined,
  };
  return {
    ...known,
    message: describe(task, known),
    attempt: toAttempt(task),
    last_seen: { stage: task.stage as Stage | null, progress: task.progress },
    ways_out: listWaysOut(task, known),
  };
}

/** Its Terraform holds the state lock and nothing has proved that it is gone. */
function mayStillRun(task: TaskView, { unproven }: VerdictFacts): boolean {
  return unproven || (task.attempt_id !== null && task.attempt_state === 'running' && task.permit === 'used');
}

/** The newest one, also after it has ended. */
function toAttempt(task: TaskView): TaskVerdict['attempt'] {
  const { newest_attempt_id: id, attempt_number: number, agent_id, agent_name } = task;
  if (id === null || number === null || agent_id === null) return null;
  return { id: id as AttemptId, number, agent_id: agent_id as AgentId, agent_name };
}

/** What closing the task, and unlocking its workspace afterwards, has to be confirmed against. */
function warn({ attempt_number, progress, accepted_at }: TaskView, lastState: TaskVerdict['last_state']): string {
  const seen = progress?.running ?? [];
  const what = seen.length === 0 ? 'things it has not told of' : nameSome(seen);
  const since = lastState?.created_at ?? accepted_at?.toISOString() ?? 'its start';
  return `Terraform of attempt ${attempt_number} may still be changing: ${what}; its state since ${since} is not here.`;
}

function nameSome(names: readonly string[]): string {
  const rest = names.length - NAMED_AT_MOST;
  return `${names.slice(0, NAMED_AT_MOST).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

type Known = Pick<TaskVerdict, 'kind' | 'since' | 'unrecorded' | 'may_still_run'>;

function describe(task: TaskView, { kind, since, unrecorded, may_still_run }: Known): string {
  if (kind === 'contact_lost') return describeSilence(task, since);
  const missing =
    unrecorded.length === 0
      ? ''
      : ` ${unrecorded.length === 1 ? '1 resource was' : `${unrecorded.length} resources were`} changed that the last state does not record: ${nameSome(unrecorded.map(({ address }) => address))}.`;
  const proof = kind === 'closed' && !may_still_run ? ` Attempt ${task.attempt_number} is over.` : '';
  return `${task.reason_message ?? ''}${proof}${missing}`;
}

function describeSilence({ attempt_number, agent_name, permit }: TaskView, since: string): string {
  const silence = `Contact with attempt ${attempt_number} on agent ${agent_name ?? 'unknown'} is lost since ${since}`;
  return permit === 'used'
    ? `${silence}; its apply may still be running.`
    : `${silence}; it cannot have applied anything, and the task is queued again by itself.`;
}
