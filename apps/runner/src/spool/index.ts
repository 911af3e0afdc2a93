export { type LogStream, type LogStreamOptions, openLogStream } from './log-stream.ts';
export type { OverflowLimits } from './overflow.ts';
export type { Pace } from './pace.ts';
export type { AppendAnswer, AppendLog, CreateTap, LogEnd, OutgoingChunk, Tap, TapSnapshot } from './ports.ts';
export { createReserve, type Reserve } from './punch.ts';
export { LogLostError } from './sender.ts';
