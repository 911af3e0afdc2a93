import * as z from 'zod';
import { Json, Time } from './common.ts';

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
