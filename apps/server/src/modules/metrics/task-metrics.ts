import { AttemptOutcome, ReasonCode, TaskType, TERMINAL_TASK_STATUSES } from '@groundcrew/protocol';
import { Counter, Histogram, type Registry } from 'prom-client';
import { startAtZero } from '../../platform/metrics/index.ts';
import type { Decided, DecidedTask } from '../tasks/index.ts';
import { type Findings, readDecision } from './decision.ts';

/** Standings that a state version can be written with. */
const WRITTEN_STANDINGS = ['current', 'superseded', 'quarantined'];

/** Counts what this process decided about tasks. All replicas together are everything that happened since they started. */
export function createTaskMetrics(registry: Registry): (decided: Decided) => void {
  const counters = createCounters(registry);
  const { start, phases } = createHistograms(registry);

  function countTask(task: DecidedTask): void {
    if (task.event === 'renew') counters.renewals.inc();
    if (task.event === 'assign') counters.offers.inc();
    const found = readDecision(task);
    if (found.startSeconds !== undefined) start.observe({ task_type: task.after.task.type }, found.startSeconds);
    for (const { phase, result, seconds } of found.phases) phases.observe({ phase, result }, seconds);
    if (found.attemptEnded) counters.attempts.inc({ outcome: found.attemptEnded });
    if (found.needsAttention) counters.verdicts.inc({ reason: found.needsAttention });
    if (found.taskEnded) countEnd(found.taskEnded);
  }

  function countEnd({ type, status, reason }: NonNullable<Findings['taskEnded']>): void {
    counters.ended.inc({ task_type: type, status });
    if (status === 'failed') counters.failures.inc({ reason: reason ?? 'none' });
  }

  return ({ effects, task }) => {
    if (task) countTask(task);
    for (const effect of effects) {
      if (effect.kind === 'store_state') counters.states.inc({ standing: effect.standing });
      if (effect.kind === 'count_silent_offer') counters.unanswered.inc();
    }
  };
}

function createCounters(registry: Registry) {
  const registers = [registry];
  const counters = {
    renewals: new Counter({
      name: 'iac_leases_renewed_total',
      help: 'Leases that running attempts renewed.',
      registers,
    }),
    offers: new Counter({ name: 'iac_offers_total', help: 'Offers made to agents.', registers }),
    unanswered: new Counter({
      name: 'iac_offers_unanswered_total',
      help: 'Offers that reached an agent and ran out without an answer.',
      registers,
    }),
    attempts: new Counter({
      name: 'iac_attempts_ended_total',
      help: 'Attempts that ended: outcome="lost" are lost leases, outcome="returned" went back to the queue.',
      labelNames: ['outcome'],
      registers,
    }),
    ended: new Counter({
      name: 'iac_tasks_ended_total',
      help: 'Tasks that ended.',
      labelNames: ['task_type', 'status'],
      registers,
    }),
    failures: new Counter({
      name: 'iac_task_failures_total',
      help: 'Tasks that failed, by the reason that is told of them.',
      labelNames: ['reason'],
      registers,
    }),
    verdicts: new Counter({
      name: 'iac_task_verdicts_total',
      help: 'Tasks that came to need a person, by the reason that is told of them.',
      labelNames: ['reason'],
      registers,
    }),
    states: new Counter({
      name: 'iac_state_versions_written_total',
      help: 'State versions that were stored, by where they stood then.',
      labelNames: ['standing'],
      registers,
    }),
  };
  startAtZero(counters.attempts, 'outcome', AttemptOutcome.options);
  startAtZero(counters.failures, 'reason', [...ReasonCode.options, 'none']);
  startAtZero(counters.verdicts, 'reason', ReasonCode.options);
  startAtZero(counters.states, 'standing', WRITTEN_STANDINGS);
  for (const task_type of TaskType.options)
    for (const status of TERMINAL_TASK_STATUSES) counters.ended.inc({ task_type, status }, 0);
  return counters;
}

const createHistograms = (registry: Registry) => ({
  start: new Histogram({
    name: 'iac_task_start_seconds',
    help: 'From the creation of a task to its first start.',
    labelNames: ['task_type'],
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200],
    registers: [registry],
  }),
  phases: new Histogram({
    name: 'iac_task_phase_seconds',
    help: 'Time an attempt spent in a phase, from its acceptance or the end of the phase before to the exit of Terraform.',
    labelNames: ['phase', 'result'],
    buckets: [1, 5, 15, 60, 300, 900, 3600, 14400],
    registers: [registry],
  }),
});
