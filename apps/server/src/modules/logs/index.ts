export type { StreamKey } from './log-stream.ts';
export { createLogsModule, type LogsModuleDeps } from './module.ts';
export type { IncomingChunk, LogsService } from './service.ts';
export { LOG_INTERVAL_MS, type WatchRegistry } from './watch.ts';
