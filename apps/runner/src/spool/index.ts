export { type LogStream, type LogStreamOptions, openLogStream } from './log-stream.ts';
export { DEFAULT_OVERFLOW, type OverflowLimits } from './overflow.ts';
export { DEFAULT_PACE, type Pace } from './pace.ts';
export type { AppendAnswer, AppendLog, CreateTap, LogEnd, OutgoingChunk, Tap, TapSnapshot } from './ports.ts';
export { createReserve, type Reserve } from './punch.ts';
export { LogLostError } from './sender.ts';
