import { CommanderError } from 'commander';
import { type Cli, createCli } from './cli.ts';
import { EXIT } from './cli-error.ts';
import { createProgram } from './program.ts';
import { explainError } from './report-error.ts';
import type { Io } from './terminal/io.ts';
import { createStyle, wantsColours } from './terminal/style.ts';

/** Runs one command and gives its exit code. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const cli = createCli(io);
  const program = createProgram(cli);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    return report(error, cli, argv);
  } finally {
    cli.close();
  }
}

function report(error: unknown, cli: Cli, argv: readonly string[]): number {
  // Help and version end this way too.
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  // A command without the word that must follow it has printed its help already.
  if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.usage;
  const { exitCode, ...told } = explainError(error, cli.name);
  if (argv.includes('--json'))
    cli.io.stderr.write(`${JSON.stringify({ error: told.error, code: told.code, request_id: told.requestId })}\n`);
  else cli.io.stderr.write(`${createStyle(wantsColours(cli.io, cli.io.stderr)).red('Error:')} ${told.error}\n`);
  return exitCode;
}
