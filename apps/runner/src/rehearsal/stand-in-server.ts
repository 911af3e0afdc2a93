import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { API_PREFIX, addresses, type RouteName } from '@groundcrew/protocol';
import { closeServer, listenOnLoopback } from '../loopback.ts';
import { rehearsalData, TASK } from './task.ts';

/** A server for one rehearsal. */
export interface StandInServer {
  readonly url: string;
  /** Resolves once a state has come. */
  readonly stateStored: Promise<void>;
  close(): Promise<void>;
}

type Answer = (request: IncomingMessage, bytes: number) => unknown;

const RENEWED = {
  verdict: 'go_on',
  lease_seconds: 60,
  renew_after_seconds: 15,
  cancel_level: 0,
  log_interval_ms: 1000,
  watched: false,
};

/** Says yes to everything, to whoever asks: nothing here is worth a credential. Listens on the loopback interface. */
export async function openStandInServer(): Promise<StandInServer> {
  const data = await rehearsalData();
  const stored = Promise.withResolvers<void>();
  const lengths: Record<string, number> = {};
  const answers: Partial<Record<RouteName, Answer>> = {
    getTaskData: () => data,
    renewAttempt: () => RENEWED,
    putPlanFile: () => undefined,
    reportPlan: () => ({ approved: true, has_changes: true, proceed: true }),
    askPermit: () => ({ permit: 'live', epoch: 0 }),
    lockState: () => ({ permit: 'used' }),
    postState() {
      stored.resolve();
      return { standing: 'current' };
    },
    appendLog({ headers }, bytes) {
      const phase = String(headers['x-log-phase']);
      lengths[phase] = (lengths[phase] ?? 0) + bytes;
      return { status: 'saved', next_offset: lengths[phase], saved_bytes: bytes };
    },
    finishAttempt: () => ({ confirmed: true, missing: [] }),
  };
  const places = new Map(
    Object.entries(answers).map(([name, answer]) => [placeOf(addresses[name as RouteName]), answer] as const),
  );

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) bytes += chunk.length;
    const answer = places.get(`${request.method} ${request.url?.split('?')[0]}`);
    const body = answer?.(request, bytes);
    response.statusCode = answer === undefined ? 404 : body === undefined ? 204 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer === undefined ? { error: '', code: 'not_found' } : body));
  }

  // Requests break off when an attempt comes and the rehearsal is cut short; the runner must not go with them.
  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  const port = await listenOnLoopback(server, 0);
  return { url: `http://127.0.0.1:${port}`, stateStored: stored.promise, close: () => closeServer(server) };
}

const placeOf = ({ method, path }: { method: string; path: string }): string =>
  `${method} ${API_PREFIX}${path.replace(':task_id', TASK.task_id)}`;
