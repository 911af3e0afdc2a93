export { type LogStream, openLogStream } from './log-stream.ts';
export type { AppendAnswer, AppendLog } from './ports.ts';
export { createReserve, type Reserve } from './punch.ts';
