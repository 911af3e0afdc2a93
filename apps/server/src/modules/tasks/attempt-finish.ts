import type { FinishAnswer, FinishRequest, Phase } from '@groundcrew/protocol';
import type { Executor } from '../../platform/database/index.ts';
import type { LogsService } from '../logs/index.ts';
import type { Loaded } from './aggregate-rows.ts';
import { type AttemptIdentity, saveProgress } from './attempt-store.ts';
import type { Decider } from './decide.ts';
import { insertTaskEvent } from './history-store.ts';
import type { Attempt, ExitRecord, Mark } from './lifecycle/index.ts';
import * as planFiles from './plan-file-store.ts';
import { toStorable } from './storable.ts';
import { saveErrorMessage } from './store.ts';

export interface FinishDeps {
  db: Executor;
  decider: Decider;
  logs: LogsService;
}

/**
 * Takes the exit record: with it, what Terraform left to be told. `confirmed` is answered only when everything that the record
 * names is here, since the attempt's folder is removed then.
 */
export function createFinish({ db, decider, logs }: FinishDeps) {
  return async (attempt: AttemptIdentity, given: FinishRequest): Promise<FinishAnswer> => {
    const request = toStorable(given);
    if (request.result === 'never_started') {
      await decider.decide(attempt.taskId, { kind: 'never_started' }, { attemptId: attempt.attemptId });
      return { confirmed: true, missing: [] };
    }
    const confirmed =
      request.result === 'interrupted' ? await proveDead(attempt, request) : await exit(attempt, request);
    const missing = confirmed ? [] : await listMissing(attempt, request);
    return { confirmed: confirmed ?? missing.length === 0, missing };
  };

  async function exit({ taskId, attemptId }: AttemptIdentity, request: FinishRequest): Promise<boolean> {
    const record = toExitRecord(request);
    const note = createNote(request, ({ finish, lateFinish }) => finish === null && lateFinish === null);
    const answer = await decider.decide(
      taskId,
      { kind: 'finish', record, logsIn: [] },
      {
        attemptId,
        prepare: async (tx, loaded) => {
          note.look(loaded);
          return { logsIn: await finishLogs(tx, attemptId, request) };
        },
        also: note.write,
      },
    );
    return answer.confirmed;
  }

  /** Nobody will ever say how it ended, so there is nothing to wait for but what is named here. */
  async function proveDead({ taskId, attemptId }: AttemptIdentity, request: FinishRequest): Promise<undefined> {
    const note = createNote(request, (attempt, marks) =>
      // A closed one is proved dead once; what it tells then may be all that is known of what it did.
      attempt.state === 'ended' ? marks.some((mark) => mark.attemptId === attempt.id) : !attempt.interrupted,
    );
    await decider.decide(
      taskId,
      { kind: 'died', proof: 'folder' },
      {
        attemptId,
        prepare: async (tx, loaded) => {
          note.look(loaded);
          await finishLogs(tx, attemptId, request);
          return undefined;
        },
        also: note.write,
      },
    );
  }

  async function finishLogs(tx: Executor, attemptId: Attempt['id'], request: FinishRequest): Promise<Phase[]> {
    const whole: Phase[] = [];
    for (const end of request.logs) if (await logs.finish(tx, attemptId, end)) whole.push(end.phase);
    return whole;
  }

  /** What the exit record names and the server does not have yet. */
  async function listMissing({ attemptId }: AttemptIdentity, request: FinishRequest): Promise<FinishAnswer['missing']> {
    const missing: FinishAnswer['missing'] = [];
    for (const { phase } of request.logs)
      if (!(await logs.findStream({ attemptId, phase }))?.whole) missing.push(`${phase}_log`);
    if (request.plan_checksum !== null && (await planFiles.findPlanFile(db, attemptId)) === undefined)
      missing.push('plan_file');
    if (request.last_state !== null && !(await planFiles.hasState(db, attemptId, request.last_state)))
      missing.push('state');
    return missing;
  }
}

/** What a report tells people beside its exit, written once, with the decision that takes it. */
function createNote(request: FinishRequest, isNews: (attempt: Attempt, marks: readonly Mark[]) => boolean) {
  let news = false;
  let late = false;
  return {
    look({ aggregate: { attempt, workspace } }: Loaded): void {
      news = attempt !== undefined && isNews(attempt, workspace.marks);
      late = attempt?.state === 'ended';
    },
    async write(tx: Executor, { organizationId, aggregate: { task, attempt } }: Loaded): Promise<void> {
      if (!news) return;
      if (attempt !== undefined && !late) await saveProgress(tx, task.id, attempt.id, request);
      // What an attempt says after its end is no longer said of the task.
      if (request.error_message !== null && !late) await saveErrorMessage(tx, task.id, request.error_message);
      if (request.unrecorded.length > 0) await noteUnrecorded(tx, organizationId, task.id, request.unrecorded);
    },
  };
}

const NAMED_AT_MOST = 5;

/** Resources seen finished that the last state does not hold: the list a person needs to put things right. */
async function noteUnrecorded(
  tx: Executor,
  organizationId: string,
  taskId: string,
  unrecorded: FinishRequest['unrecorded'],
): Promise<void> {
  const named = unrecorded.slice(0, NAMED_AT_MOST).map(({ address }) => address);
  const more = unrecorded.length > named.length ? ' …' : '';
  const count = unrecorded.length === 1 ? '1 resource was' : `${unrecorded.length} resources were`;
  const sentence = `${count} changed that the last state does not record: ${named.join(', ')}${more}.`;
  await insertTaskEvent(tx, organizationId, taskId, 'unrecorded', sentence, { resources: unrecorded });
}

const toExitRecord = (request: FinishRequest): ExitRecord => ({
  exitCode: request.exit_code,
  signal: request.signal,
  failedAt: request.failed_at,
  timedOut: request.timed_out,
  logs: request.logs,
  planChecksum: request.plan_checksum,
  lastState: request.last_state,
});
