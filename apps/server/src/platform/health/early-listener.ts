import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { newId } from '@groundcrew/kit';
import { AppError, explainListen, toErrorAnswer } from '../http/index.ts';
import { answerProbe, PROBES } from './answer-probe.ts';
import type { Health } from './health.ts';

export interface EarlyListenerOptions {
  at: { host: string; port: number };
  tls?: { certFile: string; keyFile: string } | undefined;
  health: Health;
}

/**
 * Answers at the server's address while it starts, so that a probe learns what it is at and everybody else to come back in a
 * moment: a large migration takes its time. Closed right before the server itself listens.
 */
export async function listenEarly({ at, tls, health }: EarlyListenerOptions): Promise<{ close(): Promise<void> }> {
  const answer: RequestListener = (request, response) => {
    const path = PROBES.find((probe) => probe === request.url?.split('?', 1)[0]);
    const answered = path === undefined ? Promise.resolve(refuse(health)) : answerProbe(health, path);
    // Nothing is kept open: the address is about to be somebody else's.
    void answered.then(({ status, body, headers }: Answer) => {
      response.writeHead(status, { ...HEADERS, ...headers }).end(body);
    });
  };
  const server = tls
    ? createSecureServer({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, answer)
    : createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(at, resolve);
  }).catch((error: unknown) => explainListen(error, at));
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  status: number;
  body: string;
  headers?: Record<string, string>;
}

const HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  connection: 'close',
};

function refuse(health: Health): Answer {
  const id = newId('req');
  const sentence = health.startup().reason?.message ?? 'The server is starting.';
  const { status, headers, body } = toErrorAnswer(new AppError('unavailable', sentence), id);
  return { status, headers: { ...headers, 'x-request-id': id }, body: JSON.stringify(body) };
}
