import { type ClientRequest, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { DaemonHeartbeat } from '@groundcrew/protocol';
import type { DaemonChannel } from './daemon-link.ts';

export interface DaemonHttpOptions {
  /** Base address; `/heartbeat` is added. */
  url: string;
  timeoutMs: () => number;
}

/** More than this of an answer is not read. */
const LONGEST_ANSWER = 16_384;

/** Heartbeats as `POST /heartbeat`, each over a connection of its own. */
export function createDaemonHttp({ url, timeoutMs }: DaemonHttpOptions): DaemonChannel {
  const target = new URL(`${url.replace(/\/+$/, '')}/heartbeat`);
  let current: ClientRequest | undefined;

  return {
    send: (heartbeat) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => fail(new Error(`it did not answer within ${timeoutMs()} ms`)), timeoutMs());
        const done = (): void => {
          clearTimeout(timer);
          resolve();
        };
        const fail = (error: Error): void => {
          clearTimeout(timer);
          current?.destroy();
          reject(error);
        };
        current = post(target, heartbeat, done, fail);
      }),
    close: () => current?.destroy(),
  };
}

function post(target: URL, heartbeat: DaemonHeartbeat, done: () => void, fail: (error: Error) => void): ClientRequest {
  const body = JSON.stringify(heartbeat);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const start = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = start(target, { method: 'POST', headers, agent: false }, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      text += part;
      if (text.length > LONGEST_ANSWER) fail(new Error('its answer does not end'));
    });
    response.on('error', fail);
    response.on('aborted', () => fail(new Error('it broke its answer off')));
    response.on('end', () => {
      if (response.statusCode === 200) done();
      else fail(new Error(`it answered ${response.statusCode}: ${text.slice(0, 200)}`));
    });
  });
  request.on('error', fail);
  request.end(body);
  return request;
}
