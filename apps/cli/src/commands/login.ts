import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { CliError, EXIT, usageError } from '../cli-error.ts';
import { createCommand } from '../command.ts';
import { DEFAULT_URL } from '../default-url.ts';
import { userProfilePath, writeProfile } from '../session/profile.ts';
import { signIn } from '../session/sign-in.ts';
import { isInteractive, readAll } from '../terminal/io.ts';
import { askSecret } from '../terminal/prompt.ts';

export const login = (cli: Cli): Command =>
  createCommand('login', 'Sign in to a server; the token is asked for, or read from standard input', cli, [
    'login https://groundcrew.example.com',
    'login https://groundcrew.example.com < token.txt',
  ])
    .argument('[url]', `where the server is (default: ${DEFAULT_URL})`)
    .action(async (argument: string | undefined) => {
      const url = (argument ?? cli.flags.url ?? cli.io.env.GROUNDCREW_URL ?? DEFAULT_URL).replace(/\/+$/, '');
      const { caFile, allowInsecure = false } = cli.flags;
      const clientOf = (token?: string) =>
        cli.clientOf({ url, allowInsecure, ...(caFile && { caFile }), ...(token && { token }) });
      clientOf();
      const credential = await signIn(await readToken(cli), clientOf);
      const path = userProfilePath(cli.io);
      await writeProfile(path, {
        url,
        ...credential,
        ...(caFile && { ca_file: caFile }),
        ...(allowInsecure && { allow_insecure: true }),
      });
      cli.print(
        { url, user: credential.user, profile: path },
        () => `Signed in to ${url} as ${credential.user}. Kept in ${path}.`,
      );
    });

async function readToken({ io, name }: Cli): Promise<string> {
  const text = io.stdin.isTTY && isInteractive(io) ? await askSecret(io, 'Token (gcs_… or gct_…)') : await readAll(io);
  if (text === undefined) throw new CliError('Not signed in.', { code: 'declined', exitCode: EXIT.cancelled });
  if (text.trim() === '') throw usageError(`No token was given. Pipe it in: ${name} login <url> < token.txt`);
  return text.trim();
}
