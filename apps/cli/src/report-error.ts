import { ApiError, ConnectionError } from '@groundcrew/client';
import { CommanderError } from 'commander';
import { CliError, EXIT } from './cli-error.ts';

export interface ErrorReport {
  /** One sentence. */
  error: string;
  code: string;
  exitCode: number;
  requestId?: string | undefined;
}

/** What to say about an error. */
export function explainError(error: unknown, commandName: string): ErrorReport {
  if (error instanceof CliError) return { error: error.message, code: error.code, exitCode: error.exitCode };
  if (error instanceof CommanderError) return { error: sentenceOf(error), code: 'usage', exitCode: EXIT.usage };
  if (error instanceof ApiError) return explainRefusal(error, commandName);
  if (error instanceof ConnectionError) return { error: error.message, code: 'no_connection', exitCode: EXIT.failed };
  return { error: error instanceof Error ? error.message : String(error), code: 'failed', exitCode: EXIT.failed };
}

function explainRefusal(error: ApiError, commandName: string): ErrorReport {
  const { code, requestId } = error;
  const hint = code === 'unauthenticated' ? ` Sign in again with: ${commandName} login` : '';
  return { error: `${error.message}${hint}`, code, exitCode: EXIT.failed, requestId };
}

/** Commander's "error: unknown option '--x'" as a sentence. */
function sentenceOf({ message }: CommanderError): string {
  const text = message.replace(/^error: /, '');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`.replace(/([^.?)])$/, '$1.');
}
