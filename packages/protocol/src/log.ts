import * as z from 'zod';
import { Checksum, Time } from './common.ts';
import { AttemptId, TaskId } from './ids.ts';
import { Progress } from './plan.ts';
import { Phase, Stage, TaskStatus } from './words.ts';

/** Names one log stream. `attempt` is the attempt's number within its task. */
export const LogStream = z.object({ task_id: TaskId, phase: Phase, attempt_id: AttemptId, attempt: z.number() });
export type LogStream = z.infer<typeof LogStream>;

export const LogQuery = z.object({
  phase: Phase.optional().describe('Default: the newest phase that has a log.'),
  attempt: z.coerce.number().int().positive().optional().describe('Default: the newest.'),
  offset: z.coerce.number().int().nonnegative().default(0),
  limit: z.coerce.number().int().min(1).max(4_194_304).default(1_048_576).describe('Bytes.'),
  strip: z
    .enum(['true', 'false'])
    .default('false')
    .describe('true takes terminal colours out (plain text only; offsets stay those of the stored bytes).'),
});
export type LogQuery = z.infer<typeof LogQuery>;
/** A part of a stored log. `length` is what is stored; `complete` says that nothing will follow. */
export const LogPart = z.object({
  stream: LogStream,
  offset: z.number(),
  next_offset: z.number(),
  length: z.number(),
  complete: z.boolean(),
  incomplete_reason: z.string().nullable(),
  checksum: Checksum.nullable().describe('Of the whole, once complete.'),
  content_base64: z.string(),
});
export type LogPart = z.infer<typeof LogPart>;
export const LogStreamInfo = LogStream.extend({
  length: z.number(),
  complete: z.boolean(),
  incomplete_reason: z.string().nullable(),
  checksum: Checksum.nullable(),
  archived: z.boolean(),
});
export type LogStreamInfo = z.infer<typeof LogStreamInfo>;

/** Query of `GET /ws/logs`. `format=bytes` sends the stored bytes, `lines` (the default) presents lines. */
export const LogSocketQuery = z.object({
  task_id: TaskId,
  phase: Phase.optional(),
  attempt: z.coerce.number().int().positive().optional(),
  offset: z.coerce.number().int().nonnegative().default(0),
  format: z.enum(['lines', 'bytes']).default('lines'),
});
export type LogSocketQuery = z.infer<typeof LogSocketQuery>;

export const LogLine = z.object({
  task_id: TaskId,
  timestamp: Time,
  level: z.enum(['error', 'warn', 'info']),
  line: z.string(),
  offset: z.number(),
});
export type LogLine = z.infer<typeof LogLine>;

/** What a viewer's socket receives. Frames of one stream follow each other without gap or overlap. */
export const ViewerFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('stream'), stream: LogStream, offset: z.number() }),
  z.object({
    type: z.literal('lines'),
    stream: LogStream,
    offset: z.number(),
    next_offset: z.number(),
    lines: z.array(LogLine),
  }),
  z.object({
    type: z.literal('bytes'),
    stream: LogStream,
    offset: z.number(),
    next_offset: z.number(),
    written_at: Time,
    content_base64: z.string(),
  }),
  z.object({
    type: z.literal('task'),
    task_id: TaskId,
    status: TaskStatus,
    stage: Stage.nullable(),
    progress: Progress.nullable(),
    waiting: z.string().nullable(),
    contact_lost_since: Time.nullable().optional(),
  }),
  z.object({
    type: z.literal('stream_end'),
    stream: LogStream,
    length: z.number(),
    checksum: Checksum.nullable(),
    complete: z.boolean(),
  }),
  z.object({ type: z.literal('end'), task_id: TaskId, status: TaskStatus }),
  z.object({ type: z.literal('error'), error: z.string(), code: z.string() }),
]);
export type ViewerFrame = z.infer<typeof ViewerFrame>;
