import { CliError, EXIT, usageError } from '../cli-error.ts';
import { type Io, isInteractive, readAll } from './io.ts';
import { askSecret } from './prompt.ts';

/**
 * A password, asked for or from standard input; never from the command line, where other users of the machine and the shell's
 * history could read it. Several from standard input stand on a line each.
 */
export async function readPasswords(io: Io, questions: readonly string[]): Promise<string[]> {
  if (!isInteractive(io)) return readLines(io, questions.length);
  const answers: string[] = [];
  for (const question of questions) {
    const answer = await askSecret(io, question);
    if (answer === undefined)
      throw new CliError('Nothing was changed.', { code: 'declined', exitCode: EXIT.cancelled });
    answers.push(answer);
  }
  return answers;
}

async function readLines(io: Io, count: number): Promise<string[]> {
  const lines = (await readAll(io)).split(/\r?\n/).slice(0, count);
  if (lines.length < count || lines.some((line) => line === ''))
    throw usageError(`Nothing that could be a password came from standard input; it takes ${count}, a line each.`);
  return lines;
}
