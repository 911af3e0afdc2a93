import type { TaskStatus } from '@groundcrew/protocol';
import { describe, expect, it } from 'vitest';
import { formatTime } from '../present/times.ts';
import { aPlannedTask, aTask } from '../records-for-tests.ts';
import { createStyle } from '../terminal/style.ts';
import { describeTask, formatProgress, type TaskFrame } from './progress-line.ts';
import { exitCodeOf, formatVerdict } from './verdict.ts';

const plain = createStyle(false);
const frame = (more: Partial<TaskFrame>): TaskFrame =>
  ({
    type: 'task',
    task_id: 'task-a',
    status: 'running',
    stage: null,
    progress: null,
    waiting: null,
    ...more,
  }) as TaskFrame;

describe("a task's verdict", () => {
  it.each<[TaskStatus, boolean, number]>([
    ['applied', false, 0],
    ['success', false, 0],
    ['success', true, 2],
    ['failed', true, 1],
    ['needs_attention', false, 1],
    ['cancelled', false, 130],
  ])('%s (detailed: %s) exits with %i', (status, detailed, code) => {
    expect(exitCodeOf(aPlannedTask({ status }), detailed)).toBe(code);
  });

  it('of a plan without changes is 0, detailed or not', () => {
    const task = aPlannedTask({ status: 'success', changes_add: 0 });
    const unchanged = { ...task, plan: task.plan && { ...task.plan, has_changes: false } };
    expect(exitCodeOf(unchanged, true)).toBe(0);
    expect(formatVerdict(unchanged, plain)).toBe('No changes: hello is as its configuration says.');
  });

  it('is one line', () => {
    expect(formatVerdict(aPlannedTask({ status: 'applied' }), plain)).toBe(
      'Applied hello in 1.5 s: 4 added, 0 changed, 0 destroyed.',
    );
    expect(formatVerdict(aPlannedTask({ status: 'success' }), plain)).toBe(
      'Planned hello in 1.5 s: 4 to add, 0 to change, 0 to destroy.',
    );
    const reason = { code: 'plan_error', message: 'Terraform could not plan.' } as const;
    expect(formatVerdict(aTask({ status: 'failed', reason }), plain)).toBe('Failed: Terraform could not plan.');
  });
});

describe('the progress line', () => {
  it.each<[Partial<TaskFrame>, string]>([
    [{ status: 'pending' }, 'waiting for an agent'],
    [{ status: 'pending', waiting: 'The workspace is locked by ann.' }, 'waiting: The workspace is locked by ann.'],
    [{ stage: 'init' }, 'terraform init'],
    [{ status: 'awaiting_approval' }, 'waiting for approval'],
    [
      { stage: 'applying', contact_lost_since: '2026-11-21T10:00:00.000Z' },
      `contact lost since ${formatTime('2026-11-21T10:00:00.000Z')}, may still be running`,
    ],
    [{ stage: 'applying', progress: { done: 3, total: 7, running: [] } }, 'applying 3/7'],
    [
      { stage: 'applying', progress: { done: 3, total: 7, running: ['a.b', 'c.d', 'e.f'] } },
      'applying 3/7 · a.b and 2 more',
    ],
  ])('of %o says %s', (more, text) => {
    expect(describeTask(frame(more))).toBe(text);
  });

  it('tells how long', () => {
    expect(formatProgress(undefined, 1_900)).toBe('connecting · 1 s');
    expect(formatProgress(frame({ stage: 'planning' }), 65_300)).toBe('planning · 1 m 5 s');
  });
});
