import type { Cli } from './cli.ts';
import { CliError, EXIT, usageError } from './cli-error.ts';
import { isInteractive } from './terminal/io.ts';
import { askText, askYesNo } from './terminal/prompt.ts';

/** Asks before something that cannot be taken back. @throws CliError when the answer is no, or nobody can be asked */
export async function confirmOrStop(cli: Cli, question: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!isInteractive(cli.io)) throw usageError(`${question} There is no terminal to ask on: add --yes to go ahead.`);
  if (await askYesNo(cli.io, question)) return;
  throw new CliError('Nothing was changed.', { code: 'declined', exitCode: EXIT.failed });
}

/**
 * Has the name of something typed before what cannot be taken back.
 * @param given the name as an option gave it
 * @throws CliError when it is another name, or nobody can be asked
 */
export async function confirmByName(
  cli: Cli,
  warning: string,
  name: string,
  given: string | undefined,
): Promise<string> {
  if (given === undefined && !isInteractive(cli.io))
    throw usageError(`${warning} There is no terminal to ask on: add --confirm ${name} to go ahead.`);
  const typed = given ?? (await askText(cli.io, `${warning} Type the name of the workspace, ${name}, to go ahead`));
  if (typed === name) return typed;
  throw new CliError(
    typed === undefined
      ? 'Nothing was changed.'
      : `That is not the name of the workspace, ${name}. Nothing was changed.`,
    { code: 'declined', exitCode: EXIT.failed },
  );
}
