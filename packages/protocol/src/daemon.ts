import * as z from 'zod';

// Between an agent and the daemon of its host: HTTP, or JSON-RPC 2.0 over a Unix socket, one document a line.

/** Body of `POST /heartbeat` and params of the method `heartbeat`. */
export const DaemonHeartbeat = z.object({
  agent_id: z.string().min(1).max(128),
  pid: z.number().int().positive(),
  status: z.enum(['running', 'stopping', 'error']),
  cpu: z.number().nonnegative().optional().describe('Percent of one processor; may exceed 100.'),
  memory: z.number().int().nonnegative().optional().describe('Resident bytes.'),
  timestamp: z.string().max(64),
});
export type DaemonHeartbeat = z.infer<typeof DaemonHeartbeat>;

/** Answer to a heartbeat that was taken: 200, or the result of the method. */
export const DaemonHeartbeatAnswer = z.object({ message: z.string() });
export type DaemonHeartbeatAnswer = z.infer<typeof DaemonHeartbeatAnswer>;

const RpcId = z.union([z.string().max(128), z.number(), z.null()]);

/** A call, or without `id` a notification that nobody answers. */
export const RpcRequest = z.object({
  jsonrpc: z.literal('2.0'),
  id: RpcId.optional(),
  method: z.string().min(1).max(128),
  params: z.record(z.string(), z.unknown()).optional(),
});
export type RpcRequest = z.infer<typeof RpcRequest>;

export const RpcResponse = z.object({
  jsonrpc: z.literal('2.0'),
  id: RpcId,
  result: z.unknown().optional(),
  error: z.object({ code: z.number(), message: z.string() }).optional(),
});
export type RpcResponse = z.infer<typeof RpcResponse>;

/** Codes of JSON-RPC 2.0, https://www.jsonrpc.org/specification#error_object. */
export const RPC_ERROR = { notUnderstood: -32_700, noRequest: -32_600, noMethod: -32_601, badParams: -32_602 } as const;

/** Params of the daemon's method `stop`; without them the agent drains, as after SIGTERM. */
export const StopParams = z.object({
  now: z.boolean().default(false).describe('Leave at once, as after SIGINT: runners go on and are found again.'),
});
