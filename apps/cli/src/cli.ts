import { type Client, checkBaseUrl } from '@groundcrew/client';
import { createNodeClient } from '@groundcrew/client/node';
import { type Clock, newId, systemClock } from '@groundcrew/kit';
import type { Command } from 'commander';
import { usageError } from './cli-error.ts';
import { commandName } from './command-name.ts';
import { findTarget, type ServerFlags, type Target } from './session/find-target.ts';
import { homeProfilePath, readPrivateProfile, readProfile, userProfilePath } from './session/profile.ts';
import type { Io } from './terminal/io.ts';
import { createStyle, type Style, wantsColours } from './terminal/style.ts';
import { VERSION } from './version.ts';

/** Options that every command has. */
interface GlobalOptions extends ServerFlags {
  json?: boolean;
}

/** What commands work with. */
export interface Cli {
  readonly io: Io;
  readonly clock: Clock;
  /** How the user types this command: `groundcrew`, or with `npx` in a clone. */
  readonly name: string;
  /** For standard output. */
  readonly style: Style;
  readonly json: boolean;
  readonly flags: GlobalOptions;
  /** Prints a result: as JSON with --json, else as text. */
  print(value: unknown, human: () => string): void;
  /** Tells a person something that is no result; silent with --json. */
  note(text: string): void;
  target(): Promise<Target>;
  /** A client of the server that the user is signed in to. */
  client(): Promise<Client>;
  /** A client of any server. */
  clientOf(target: Omit<Target, 'source' | 'token'> & { token?: string }): Client;
  /** What the process ends with if nothing goes wrong. */
  exitWith(code: number): void;
  readonly exitCode: number;
  /** Whose global options count. */
  attach(program: Command): void;
  /** Gives back connections, so that the process can end. */
  close(): void;
}

/** @param clock for tests */
export function createCli(io: Io, clock: Clock = systemClock): Cli {
  let program: Command | undefined;
  let exitCode = 0;
  const open: Client[] = [];
  let own: Client | undefined;
  const name = commandName(io.env);
  const flags = (): GlobalOptions => program?.opts() ?? {};

  async function target(): Promise<Target> {
    const paths = [homeProfilePath(io), userProfilePath(io)] as const;
    const profiles = [
      [paths[0], await readPrivateProfile(paths[0])],
      [paths[1], await readProfile(paths[1])],
    ] as const;
    return findTarget({ flags: flags(), env: io.env, profiles, commandName: name });
  }

  function clientOf({ url, token, caFile, allowInsecure }: Parameters<Cli['clientOf']>[0]): Client {
    const client = createNodeClient({
      baseUrl: checkUrl(url, allowInsecure),
      allowInsecure,
      ...(token === undefined ? {} : { token }),
      ...(caFile === undefined ? {} : { caFile }),
      userAgent: `groundcrew-cli/${VERSION}`,
      newIdempotencyKey: () => newId('cli'),
      clock,
    });
    open.push(client);
    return client;
  }

  return {
    io,
    clock,
    name,
    style: createStyle(wantsColours(io, io.stdout)),
    get json() {
      return flags().json === true;
    },
    get flags() {
      return flags();
    },
    print(value, human) {
      const text = flags().json ? JSON.stringify(value, null, 2) : human();
      if (text !== '') io.stdout.write(`${text}\n`);
    },
    note(text) {
      if (!flags().json) io.stderr.write(`${text}\n`);
    },
    target,
    async client() {
      own ??= clientOf(await target());
      return own;
    },
    clientOf,
    exitWith(code) {
      exitCode = code;
    },
    get exitCode() {
      return exitCode;
    },
    attach(to) {
      program = to;
    },
    close() {
      for (const client of open) client.close();
    },
  };
}

function checkUrl(url: string, allowInsecure: boolean): string {
  try {
    return checkBaseUrl(url, allowInsecure);
  } catch (error) {
    const isPlain = error instanceof Error && error.message.includes('plain http');
    throw usageError(
      isPlain
        ? `${url} is plain http to another host, which would send your token in clear. Use https://, or add --allow-insecure.`
        : String(error instanceof Error ? error.message : error),
    );
  }
}
