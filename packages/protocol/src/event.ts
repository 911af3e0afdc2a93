import * as z from 'zod';
import { Json, PageQuery, Time } from './common.ts';

/** One change, as the console's socket receives it. */
export const Event = z.object({
  seq: z.number(),
  at: Time,
  noun: z.enum([
    'task',
    'workspace',
    'agent',
    'pool',
    'state',
    'configuration',
    'variable',
    'host',
    'user',
    'token',
    'session',
    'grant',
    'client',
    'resource',
    'organization',
  ]),
  id: z.string(),
  kind: z.string(),
  workspace_id: z.string().nullable(),
  data: Json,
});
export type Event = z.infer<typeof Event>;
export const EventFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), seq: z.number() }),
  z.object({ type: z.literal('event'), event: Event }),
]);
export type EventFrame = z.infer<typeof EventFrame>;

/** Who did what to which thing, from where. Secrets never stand in it. */
export const AuditEntry = z.object({
  seq: z.number(),
  at: Time,
  actor_kind: z.enum(['user', 'client', 'agent', 'attempt', 'system']),
  actor_id: z.string().nullable(),
  actor_name: z.string(),
  action: z.string(),
  noun: z.string(),
  subject_id: z.string().nullable(),
  subject_name: z.string().nullable(),
  address: z.string().nullable(),
  request_id: z.string().nullable(),
  before: Json.nullable(),
  after: Json.nullable(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;
export const AuditQuery = PageQuery.extend({
  noun: z.string().max(64).optional(),
  subject_id: z.string().max(64).optional(),
  actor_id: z.string().max(64).optional(),
  action: z.string().max(64).optional(),
  since: Time.optional(),
  until: Time.optional(),
});
export type AuditQuery = z.infer<typeof AuditQuery>;
