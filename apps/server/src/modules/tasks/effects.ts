import { newId } from '@groundcrew/kit';
import type { AgentId, AttemptId, CancelLevel, TaskId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';
import type { Emit } from '../events/index.ts';
import type { EffectContext, EffectSink } from './decide.ts';
import { insertTaskEvent } from './history-store.ts';
import type { Approval, Effect } from './lifecycle/index.ts';

/** What other modules do for the life cycle; each is one line of the composition. */
export interface EffectPorts {
  /** Stores the row of a state version whose bytes are kept already; `extra` is what the caller of `decide` handed in. */
  storeState(
    tx: Executor,
    effect: Effect & { kind: 'store_state' },
    context: EffectContext,
    extra: unknown,
  ): Promise<void>;
  decideQuarantined(tx: Executor, effect: Effect & { kind: 'decide_quarantined' }, extra: unknown): Promise<void>;
  /** Makes the change visible to consoles. */
  emit: Emit;
  wakeDispatcher(): void;
  /** Sends a saved offer to whichever replica holds the agent. */
  sendOffer(agentId: AgentId, attemptId: AttemptId): void;
  tellAgent(agentId: AgentId, taskId: TaskId, attemptId: AttemptId, cancelLevel: CancelLevel): void;
  /** Wakes whoever looks at the task. */
  wakeTask(taskId: TaskId): void;
  warn(sentence: string, context: EffectContext): void;
}

const ENDED_WELL = new Set(['success', 'applied']);

/** Turns the life cycle's effects into rows and words. */
export function createEffectSink(ports: EffectPorts): EffectSink {
  async function write(tx: Executor, effect: Effect, context: EffectContext, extra: unknown): Promise<void> {
    switch (effect.kind) {
      case 'record':
        return record(tx, context, effect.what, effect.sentence);
      case 'alert':
        return record(tx, context, 'alert', effect.sentence);
      case 'write_approval':
        return writeApproval(tx, context, effect.approval, typeof extra === 'string' ? extra : '');
      case 'void_approval':
        return voidApproval(tx, context, effect.sentence);
      case 'store_state':
        return ports.storeState(tx, effect, context, extra);
      case 'decide_quarantined':
        return ports.decideQuarantined(tx, effect, extra);
      case 'count_silent_offer':
        await sql`UPDATE agents SET silent_offers = silent_offers + 1 WHERE id = ${effect.agentId}`.execute(tx);
        return;
      case 'task_ended':
        return endTask(tx, context, effect.status);
      default:
        return;
    }
  }

  /** Decisions about a workspace alone make no history of a task. */
  async function record(
    tx: Executor,
    { organizationId, workspaceId, taskId }: EffectContext,
    kind: string,
    sentence: string,
  ): Promise<void> {
    if (taskId === undefined) return;
    await Promise.all([
      insertTaskEvent(tx, organizationId, taskId, kind, sentence),
      ports.emit(tx, { organizationId, noun: 'task', id: taskId, kind, workspaceId, data: { message: sentence } }),
    ]);
  }

  /** Counts for the agent that last accepted an attempt of it: an offer that came to nothing is no task. The history's last word is a `record` of its own. */
  async function endTask(tx: Executor, context: EffectContext, status: string): Promise<void> {
    await sql`UPDATE agents g SET total_tasks = total_tasks + 1,
        success_tasks = success_tasks + ${ENDED_WELL.has(status) ? 1 : 0}, failed_tasks = failed_tasks + ${status === 'failed' ? 1 : 0}
      FROM (SELECT agent_id FROM attempts WHERE task_id = ${context.taskId} AND accepted_at IS NOT NULL ORDER BY number DESC LIMIT 1) a
      WHERE g.id = a.agent_id`.execute(tx);
  }

  function tellOne(effect: Effect, { taskId, ...context }: EffectContext): void {
    if (effect.kind === 'send_offer') ports.sendOffer(effect.agentId, effect.attemptId);
    else if (effect.kind === 'wake_dispatcher') ports.wakeDispatcher();
    else if (effect.kind === 'alert') ports.warn(effect.sentence, { taskId, ...context });
    else if (effect.kind === 'tell_agent' && taskId !== undefined)
      ports.tellAgent(effect.agentId, taskId, effect.attemptId, effect.cancelLevel);
  }

  function tell(effects: readonly Effect[], context: EffectContext): void {
    for (const effect of effects) tellOne(effect, context);
    if (context.taskId !== undefined && effects.length > 0) ports.wakeTask(context.taskId);
  }

  return { write, tell };
}

/** `comment` is what the person wrote beside it. */
async function writeApproval(
  tx: Executor,
  { organizationId, taskId }: EffectContext,
  approval: Approval,
  comment: string,
): Promise<void> {
  await tx
    .insertInto('approvals')
    .values({
      id: newId('appr'),
      organization_id: organizationId,
      task_id: taskId as string,
      plan_checksum: approval.planChecksum,
      lineage: approval.madeFrom?.lineage ?? null,
      serial: approval.madeFrom?.serial ?? null,
      by_kind: approval.by.kind === 'person' ? 'person' : 'auto',
      approved_by: approval.by.kind === 'person' ? approval.by.name : 'auto-approve',
      comment,
    })
    .execute();
}

async function voidApproval(tx: Executor, { taskId }: EffectContext, sentence: string): Promise<void> {
  await sql`UPDATE approvals SET voided_at = now(), voided_reason = ${sentence} WHERE task_id = ${taskId} AND voided_at IS NULL`.execute(
    tx,
  );
}
