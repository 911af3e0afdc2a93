import type { Client, RawAnswer } from '@groundcrew/client';
import {
  ATTEMPT_TOKEN_PREFIX,
  type FinishAnswer,
  type FinishRequest,
  MOST_PROVIDERS,
  type PermitAnswer,
  type PermitRequest,
  type PlanReport,
  type PlanReportAnswer,
  type RenewAnswer,
  type RenewRequest,
  type TaskData,
  type TaskId,
} from '@groundcrew/protocol';

/**
 * The server as one attempt sees it, with the attempt's own credential. Every call but `renew` goes on until there is an answer
 * that another try cannot change; that is sound because the server gives the same answer to the same call. What it refuses is
 * thrown as ApiError.
 */
export interface ControlPlane {
  /** Asked again until there is an answer, or once. */
  getData(signal: AbortSignal, retry?: 'never'): Promise<TaskData>;
  openConfiguration(signal: AbortSignal): Promise<RawAnswer>;
  openPlanBundle(signal: AbortSignal): Promise<RawAnswer>;
  /** One try. */
  renew(request: RenewRequest, signal: AbortSignal): Promise<RenewAnswer>;
  putPlanBundle(bundle: PlanBundle, signal: AbortSignal): Promise<void>;
  reportPlan(report: PlanReport, signal: AbortSignal): Promise<PlanReportAnswer>;
  askPermit(request: PermitRequest): Promise<PermitAnswer>;
  /** Hands the attempt back; the task is queued again. @param providers what its configuration was found to use */
  giveBack(reason: string, providers?: readonly string[]): Promise<void>;
  finish(record: FinishRequest): Promise<FinishAnswer>;
}

interface PlanBundle {
  open: () => AsyncIterable<Uint8Array>;
  size: number;
  /** SHA-256 of the bundle, and of the plan file in it. */
  checksum: string;
  planChecksum: string;
}

/** What the attempt presents instead of the agent's token. */
export const attemptToken = (secret: string): string => `${ATTEMPT_TOKEN_PREFIX}${secret}`;

/** The renewal is also how the end of an outage is noticed, so it does not hang on a server that accepts and says nothing. */
const RENEW_TIMEOUT_MS = 10_000;

export function createControlPlane(client: Client, taskId: TaskId): ControlPlane {
  const params = { task_id: taskId };
  const retry = 'until_answered' as const;
  return {
    getData: (signal, once) =>
      client.call('getTaskData', { params, query: { without: 'state_content' } }, { retry: once ?? retry, signal }),
    openConfiguration: (signal) => client.call('getTaskConfiguration', { params }, { retry, signal }),
    openPlanBundle: (signal) => client.call('getTaskPlanFile', { params }, { retry, signal }),
    renew: (body, signal) =>
      client.call('renewAttempt', { params, body }, { retry: 'never', signal, timeoutMs: RENEW_TIMEOUT_MS }),
    async putPlanBundle({ open, size, checksum, planChecksum }, signal) {
      const headers = { 'x-content-sha256': checksum, 'x-plan-sha256': planChecksum };
      await client.call('putPlanFile', { params, headers, raw: { open, size } }, { retry, signal });
    },
    reportPlan: (body, signal) => client.call('reportPlan', { params, body }, { retry, signal }),
    askPermit: (body) => client.call('askPermit', { params, body }, { retry }),
    async giveBack(reason, providers) {
      const found = providers === undefined ? {} : { providers: providers.slice(0, MOST_PROVIDERS) };
      await client.call('returnAttempt', { params, body: { reason: reason.slice(0, 2000), ...found } }, { retry });
    },
    finish: (body) => client.call('finishAttempt', { params, body }, { retry }),
  };
}
