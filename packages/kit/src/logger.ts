import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type { Logger };

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Which program speaks; `name` in every line. */
  name: string;
  /** `info` when not given. */
  level?: LogLevel;
  /** Where lines go: a file's path (appended, folder made) or a stream; standard error when not given. */
  destination?: string | DestinationStream;
  /** Asked with every line for what it holds besides, such as the request it belongs to; the line's own fields win. */
  context?: () => object;
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
export function createLogger({ name, level = 'info', destination: to, context }: LoggerOptions): Logger {
  return pino(
    {
      name,
      level,
      base: { name, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      ...(context === undefined ? {} : { mixin: context }),
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    typeof to === 'object' ? to : openDestination(to),
  );
}

function openDestination(path: string | undefined): DestinationStream {
  const stream = destination(path === undefined ? { dest: 2, sync: true } : { dest: path, sync: true, mkdir: true });
  // A full disk or a reader that went away costs lines, never the process.
  stream.on('error', () => {});
  return stream;
}
