export type { StreamKey } from './log-stream.ts';
export { createLogsModule } from './module.ts';
export type { IncomingChunk, LogsService } from './service.ts';
export { LOG_INTERVAL_MS } from './watch.ts';
