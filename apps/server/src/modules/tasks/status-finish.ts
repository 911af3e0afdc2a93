import { createHash } from 'node:crypto';
import type { FinishRequest, StatusPut, StreamEnd } from '@groundcrew/protocol';
import type { LogsService, StreamKey } from '../logs/index.ts';
import type { AttemptIdentity } from './attempt-store.ts';
import type { AttemptsService } from './attempts-service.ts';

/**
 * The exit record that an agent of another make means by an ending status. It names no lengths and checksums, so what it has
 * sent by now is what there is.
 */
export async function finishFromStatus(
  { logs, attempts }: { logs: LogsService; attempts: Pick<AttemptsService, 'findPlanFile'> },
  attempt: Pick<AttemptIdentity, 'attemptId' | 'taskId'>,
  body: StatusPut,
): Promise<FinishRequest> {
  const well = body.status === 'success' || body.status === 'applied';
  const own = (await logs.listStreams(attempt.taskId)).filter((stream) => stream.attemptId === attempt.attemptId);
  return {
    result: well ? 'succeeded' : body.status === 'cancelled' ? 'cancelled' : 'failed',
    failed_at: well ? null : own.some((stream) => stream.phase === 'apply') ? 'apply' : 'plan',
    exit_code: body.exit_code ?? (well ? 0 : 1),
    signal: null,
    error_message: body.error_message ?? null,
    logs: await Promise.all(own.map((stream) => measure(logs, stream, stream.length))),
    plan_checksum: (await attempts.findPlanFile(attempt.attemptId))?.plan_checksum ?? null,
    last_state: null,
    unrecorded: [],
    timed_out: false,
    ...(body.duration === undefined ? {} : { duration: body.duration }),
  };
}

async function measure(logs: LogsService, key: StreamKey, length: number): Promise<StreamEnd> {
  const hash = createHash('sha256');
  for (let offset = 0; offset < length; ) {
    const segments = await logs.readSegments(key, offset, 4 * 1024 * 1024);
    const last = segments.at(-1);
    if (last === undefined) break;
    for (const { content } of segments) hash.update(content);
    offset = last.offset + last.length;
  }
  return { phase: key.phase, length, checksum: hash.digest('hex') };
}
