import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newSecret } from '@groundcrew/kit';
import { API_PREFIX } from '@groundcrew/protocol';
import { CliError, EXIT } from '../cli-error.ts';

export interface BrowserSignIn {
  /** Shows the address to open; the browser is only ever a convenience. */
  show(address: string): void;
  /** Opens the address for somebody at a terminal. */
  open: boolean;
  waitMs?: number;
}

/** As long as somebody needs to sign on, second factor included. */
const WAIT_MS = 5 * 60_000;

/**
 * Has a browser sign on through the server's OpenID provider and bring a code to a loopback address of ours (RFC 8252). The code
 * is of use only with the verifier, which stays here (RFC 7636).
 */
export async function signInByBrowser(url: string, { show, open, waitMs = WAIT_MS }: BrowserSignIn) {
  const verifier = newSecret();
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const { server, code } = await waitForCode(waitMs);
  try {
    const redirect = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const query = new URLSearchParams({ redirect, code_challenge: challenge });
    const address = `${url}${API_PREFIX}/sign-in/oidc?${query}`;
    show(address);
    if (open) openBrowser(address);
    return { code: await code, code_verifier: verifier };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const PAGE = '<!doctype html><title>Groundcrew</title><p>You are signed in. You can close this window.</p>\n';

async function waitForCode(waitMs: number): Promise<{ server: Server; code: Promise<string> }> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    const code = new URL(request.url ?? '/', 'http://loopback').searchParams.get('code');
    if (code === null) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', connection: 'close' });
    response.end(PAGE, () => resolve(code));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const timer = setTimeout(() => reject(tooLate()), waitMs);
  return { server, code: promise.finally(() => clearTimeout(timer)) };
}

const tooLate = (): CliError =>
  new CliError('Nobody signed on in the browser in time; try again.', { code: 'timeout', exitCode: EXIT.failed });

/** Where there is no browser, the address that was shown can be opened elsewhere on this machine. */
function openBrowser(address: string): void {
  const [program, ...before] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler']
        : ['xdg-open'];
  const child = spawn(program as string, [...before, address], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
