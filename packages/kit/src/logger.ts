import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { openRotatingFile, type RotatingFileOptions } from './rotating-file.ts';
import { toTextLine } from './text-line.ts';

export type { Logger };

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Which program speaks; `name` in every line. */
  name: string;
  /** `info` when not given. */
  level?: LogLevel;
  /** `json`: one object a line, the default; `text`: lines for people. */
  format?: 'json' | 'text';
  /** Where lines go: a file's path (appended, folder made), a file that is put aside when it is large, or a stream; standard error when not given. */
  destination?: string | RotatingFileOptions | DestinationStream;
}

const SECRET_KEYS = [
  'token',
  'secret',
  'password',
  'passphrase',
  'authorization',
  'cookie',
  'credential',
  'private_key',
];
const variants = SECRET_KEYS.flatMap((key) => [key, key.charAt(0).toUpperCase() + key.slice(1), `${key}s`]);
/** pino matches whole keys at fixed depths only; anything deeper or otherwise named must not be logged in the first place. */
const REDACTED = ['', '*.', '*.*.'].flatMap((depth) => variants.map((key) => `${depth}${key}`));

/**
 * A logger that writes one JSON object a line. Written synchronously: these programs log little, and a line that explains a
 * death must be out before it. Values under keys such as `token` or `password` are replaced, three levels deep, as a last net.
 */
export function createLogger({ name, level = 'info', format = 'json', destination: to }: LoggerOptions): Logger {
  const lines = openDestination(to);
  return pino(
    {
      name,
      level,
      base: { name, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    format === 'json' ? lines : { write: (line: string) => void lines.write(toTextLine(line)) },
  );
}

function openDestination(to: LoggerOptions['destination']): DestinationStream {
  if (typeof to === 'object') return 'write' in to ? to : openRotatingFile(to);
  const stream = destination(to === undefined ? { dest: 2, sync: true } : { dest: to, sync: true, mkdir: true });
  // A full disk or a reader that went away costs lines, never the process.
  stream.on('error', () => {});
  return stream;
}
