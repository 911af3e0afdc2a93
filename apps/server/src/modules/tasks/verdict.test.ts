import { TaskVerdict, TaskVerdictKind } from '@groundcrew/protocol';
import { expect, test } from 'vitest';
import { findVerdictKind, toVerdict } from './verdict.ts';
import type { VerdictFacts } from './verdict-store.ts';
import type { TaskView } from './view-store.ts';

const NOW = new Date('2026-11-21T10:00:00.000Z');
const AGO = new Date('2026-11-21T09:00:00.000Z');

/** An apply that runs and is in contact. */
const aView = (more: Partial<TaskView> = {}): TaskView =>
  ({
    id: 'task-aaaaaaaaaaaaaaaaaaaa',
    workspace_name: 'network',
    status: 'running',
    stage: 'applying',
    reason_code: null,
    reason_message: null,
    progress: { done: 1, total: 9, running: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] },
    attempt_id: 'att-aaaaaaaaaaaaaaaaaaaa',
    newest_attempt_id: 'att-aaaaaaaaaaaaaaaaaaaa',
    attempt_number: 3,
    attempt_state: 'running',
    permit: 'used',
    accepted_at: AGO,
    lease_until: new Date('2026-11-21T10:01:00.000Z'),
    agent_id: 'agent-aaaaaaaaaaaaaaaaaaaa',
    agent_name: 'host-1',
    created_at: AGO,
    now: NOW,
    ...more,
  }) as TaskView;

const facts = (more: Partial<VerdictFacts> = {}): VerdictFacts => ({
  since: AGO,
  unproven: false,
  unrecorded: [],
  lastState: null,
  quarantined: [],
  ...more,
});
const inQuarantine = (version: number) =>
  ({
    id: `sv-aaaaaaaaaaaaaaaaaaa${version}`,
    version,
    serial: version,
    checksum: 'a'.repeat(64),
    created_at: AGO.toISOString(),
  }) as VerdictFacts['quarantined'][number];

/** A task in the state that a verdict of this kind speaks of. */
const viewOf = (kind: TaskVerdict['kind']): TaskView => {
  if (kind === 'contact_lost') return aView({ lease_until: AGO });
  if (kind === 'closed')
    return aView({ status: 'failed', reason_code: 'closed', attempt_id: null, attempt_state: 'ended' });
  const isOver = kind === 'interrupted' || kind === 'state_missing';
  return aView({
    status: 'needs_attention',
    reason_code: kind,
    reason_message: 'Something happened.',
    attempt_state: isOver ? 'exited' : 'running',
  });
};

test.each(TaskVerdictKind.options)('%s is told as documented, with something that a person can do', (kind) => {
  const view = viewOf(kind);
  expect(findVerdictKind(view)).toBe(kind);
  const verdict = toVerdict(
    view,
    kind,
    facts({ unproven: kind === 'closed', quarantined: [inQuarantine(4), inQuarantine(5)] }),
  );
  expect(TaskVerdict.parse(verdict)).toEqual(verdict);
  expect(verdict.ways_out.some(({ command }) => command !== null)).toBe(true);
  expect(verdict.ways_out.some(({ command }) => command?.startsWith('task close'))).toBe(verdict.may_close);
  expect(verdict.may_close).toBe(kind !== 'closed');
  expect(verdict.warning === null).toBe(!verdict.may_still_run);
  expect(verdict.may_still_run).toBe(kind !== 'interrupted' && kind !== 'state_missing');
});

test('tasks that go on, wait or have ended have none', () => {
  expect(findVerdictKind(aView())).toBeUndefined();
  expect(
    findVerdictKind(aView({ status: 'pending', attempt_id: null, attempt_state: null, lease_until: null })),
  ).toBeUndefined();
  expect(findVerdictKind(aView({ status: 'failed', reason_code: 'apply_error', attempt_id: null }))).toBeUndefined();
  expect(findVerdictKind(aView({ status: 'applied', attempt_id: null, lease_until: AGO }))).toBeUndefined();
});

test('the warning names what was last seen, and since when its state is missing', () => {
  const { warning } = toVerdict(viewOf('contact_lost'), 'contact_lost', facts());
  expect(warning).toBe(
    'Terraform of attempt 3 may still be changing: a, b, c, d, e and 2 more; its state since 2026-11-21T09:00:00.000Z is not here.',
  );
  const unseen = toVerdict({ ...viewOf('contact_lost'), progress: null }, 'contact_lost', facts());
  expect(unseen.warning).toContain('things it has not told of');
});

test('contact lost before the apply began needs nobody', () => {
  const view = aView({ lease_until: AGO, permit: 'none' });
  const verdict = toVerdict(view, 'contact_lost', facts());
  expect(verdict).toMatchObject({ may_still_run: false, may_close: false, warning: null });
  expect(verdict.message).toContain('queued again by itself');
});

test('of several states in quarantine the newest is to be looked at, the others can go', () => {
  const { ways_out } = toVerdict(
    viewOf('closed'),
    'closed',
    facts({ quarantined: [inQuarantine(4), inQuarantine(5)] }),
  );
  expect(ways_out.map(({ command }) => command)).toEqual([
    'state quarantine compare network 5',
    'state quarantine accept network 5 --reason "<why>"',
    'state quarantine discard network 4 --reason "<why>"',
    'workspace unlock network',
  ]);
});
