import type { Cli } from './cli.ts';
import { CliError, EXIT, usageError } from './cli-error.ts';
import { isInteractive } from './terminal/io.ts';
import { askYesNo } from './terminal/prompt.ts';

/** Asks before something that cannot be taken back. @throws CliError when the answer is no, or nobody can be asked */
export async function confirmOrStop(cli: Cli, question: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!isInteractive(cli.io)) throw usageError(`${question} There is no terminal to ask on: add --yes to go ahead.`);
  if (await askYesNo(cli.io, question)) return;
  throw new CliError('Nothing was changed.', { code: 'declined', exitCode: EXIT.failed });
}
