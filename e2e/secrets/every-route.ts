import { API_PREFIX, type RouteSpec, routes } from '@groundcrew/protocol';
import { type Answer, ask, type RunningServer } from '../harness/index.ts';
import { type Place, placeOf } from './finder.ts';

/** Values for the parameters of routes: by their name, or by the path up to them where a name means several things. */
export type Parameters = Readonly<Record<string, string>>;

/** What came of asking every GET route of the table as somebody who may read everything. */
export interface Asked {
  places: Place[];
  /** Routes that did not answer as they should, with the status: people's with content, others with a refusal. */
  refused: Record<string, number>;
  /** Routes for which nothing was known to ask for. */
  unasked: string[];
}

/** Asks every GET route there is, also those that were added after this was written. */
export async function askEveryRoute(server: RunningServer, parameters: Parameters): Promise<Asked> {
  const asked: Asked = { places: [], refused: {}, unasked: [] };
  const found = Object.entries<RouteSpec>(routes).filter(([, { method }]) => method === 'GET');
  for (const [name, { path, access }] of found) {
    const address = fill(path, parameters);
    const expected = access.who === 'user' || access.who === 'anybody' ? [200, 204] : [401, 403];
    if (address === undefined) asked.unasked.push(name);
    else await askOne(server, { name, path: `${API_PREFIX}${address}`, expected }, asked);
  }
  return asked;
}

interface Question {
  name: string;
  path: string;
  expected: readonly number[];
}

async function askOne(server: RunningServer, { name, path, expected }: Question, asked: Asked): Promise<void> {
  for (const [suffix, accept] of VARIANTS[name] ?? [['', 'application/json']]) {
    const answer: Answer = await ask(server, { path: `${path}${suffix}`, headers: { accept } });
    if (!expected.includes(answer.status)) asked.refused[name] = answer.status;
    asked.places.push(placeOf(`answer of ${name}${suffix}`, answer.text), headersOf(name, answer));
  }
}

const headersOf = (name: string, { headers }: Answer): Place => placeOf(`headers of ${name}`, JSON.stringify(headers));

/** Routes that say more when asked for it. */
const VARIANTS: Record<string, [suffix: string, accept: string][]> = {
  getTask: [['?include=plan_output,apply_output', 'application/json']],
  readLog: [
    ['?phase=plan&limit=4194304', 'text/plain'],
    ['?phase=apply&limit=4194304', 'text/plain'],
    ['?phase=apply&limit=4194304', 'application/json'],
  ],
  listAudit: [['?limit=200', 'application/json']],
};

/** The path with every parameter in place; undefined when one is not known. */
function fill(path: string, parameters: Parameters): string | undefined {
  const filled = path.replaceAll(/:(\w+)/g, (_whole, name: string, at: number) => {
    const value = parameters[path.slice(0, at) + name] ?? parameters[name];
    return value === undefined ? ':' : encodeURIComponent(value);
  });
  return filled.includes(':') ? undefined : filled;
}
