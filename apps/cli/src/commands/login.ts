import type { Client } from '@groundcrew/client';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { CliError, EXIT, usageError } from '../cli-error.ts';
import { createCommand } from '../command.ts';
import { DEFAULT_URL } from '../default-url.ts';
import { signInByBrowser } from '../session/browser-sign-in.ts';
import { userProfilePath, writeProfile } from '../session/profile.ts';
import { type Credential, signIn, signInWith } from '../session/sign-in.ts';
import { isInteractive, readAll } from '../terminal/io.ts';
import { askSecret } from '../terminal/prompt.ts';
import { readPasswords } from '../terminal/read-password.ts';

interface LoginOptions {
  password?: string;
  organization?: string;
  browser?: boolean;
}

export const login = (cli: Cli): Command =>
  createCommand('login', 'Sign in to a server: with a token, a password, or in the browser', cli, [
    'login https://groundcrew.example.com',
    'login https://groundcrew.example.com < token.txt',
    'login https://groundcrew.example.com --password grace',
    'login https://groundcrew.example.com --browser',
  ])
    .argument('[url]', `where the server is (default: ${DEFAULT_URL})`)
    .option('--password <login>', 'sign in by password, with this name or e-mail address; it is asked for or piped in')
    .option('--organization <name>', 'beside --password: where the login is known in several organisations')
    .option('--browser', "sign on in the browser, through the server's OpenID provider")
    .action(async (argument: string | undefined, options: LoginOptions) => {
      const url = (argument ?? cli.flags.url ?? cli.io.env.GROUNDCREW_URL ?? DEFAULT_URL).replace(/\/+$/, '');
      const { caFile, allowInsecure = false } = cli.flags;
      const clientOf = (token?: string) =>
        cli.clientOf({ url, allowInsecure, ...(caFile && { caFile }), ...(token && { token }) });
      clientOf();
      const credential = await prove(cli, url, options, clientOf);
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

async function prove(
  cli: Cli,
  url: string,
  { password: name, organization, browser }: LoginOptions,
  clientOf: (token?: string) => Client,
): Promise<Credential> {
  if (browser && name !== undefined) throw usageError('Give either --password or --browser.');
  if (name !== undefined) {
    const [password = ''] = await readPasswords(cli.io, [`Password of ${name}`]);
    return signInWith({ login: name, password, ...(organization && { organization }) }, clientOf);
  }
  if (!browser) return signIn(await readToken(cli), clientOf);
  const show = (address: string) => cli.io.stderr.write(`Sign on in your browser:\n  ${address}\n`);
  return signInWith(await signInByBrowser(url, { show, open: isInteractive(cli.io) }), clientOf);
}

async function readToken({ io, name }: Cli): Promise<string> {
  const text = io.stdin.isTTY && isInteractive(io) ? await askSecret(io, 'Token (gcs_… or gct_…)') : await readAll(io);
  if (text === undefined) throw new CliError('Not signed in.', { code: 'declined', exitCode: EXIT.cancelled });
  if (text.trim() === '') throw usageError(`No token was given. Pipe it in: ${name} login <url> < token.txt`);
  return text.trim();
}
