import fc from 'fast-check';
import { toCurl } from './curl.ts';
import { type Document, readDocument } from './document.ts';
import { type FuzzedServer, type Ground, prepareGround } from './ground.ts';
import { findMistakes } from './judge.ts';
import { anyRequest, type FuzzRequest } from './request-arbitrary.ts';
import { createSender, toWire, type WireAnswer } from './send.ts';

export interface FuzzOptions {
  readonly requests: number;
  readonly seed: number;
  /** Told about progress. */
  readonly say?: (line: string) => void;
}

/** Calls of the document by the best answer that any request of theirs got. */
interface CallFigures {
  readonly all: number;
  /** Those that did what they are for: 2xx, or the redirect that the document promises. */
  readonly done: number;
  /** Those that were refused each time. */
  readonly refused: readonly string[];
  /** Those of which no request was made at all. */
  readonly notAsked: readonly string[];
}

/** What came of it. */
export interface FuzzReport {
  readonly seed: number;
  readonly requests: number;
  readonly seconds: number;
  readonly slowestMs: number;
  /** How many answers had each status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly calls: CallFigures;
  /** What was found, smallest example first. */
  readonly failures: readonly string[];
}

/** So many requests are on their way together; a failure is then narrowed down to as few as possible. */
const TOGETHER = 8;
/** So many are made on the same ground. */
const ROUND = 480;
/** Narrowing down is not worth more than this. */
const SHRINK_MS = 20_000;

/** Sends requests that no client would, and holds every answer against the OpenAPI document. Ends at the first round that fails. */
export async function fuzz(fuzzed: FuzzedServer, { requests, seed, say = () => {} }: FuzzOptions): Promise<FuzzReport> {
  const { server } = fuzzed;
  const document = readDocument();
  const sender = createSender(server.url);
  const startedAt = performance.now();
  const statuses: Record<string, number> = {};
  const best = new Map<string, number>();
  const failures: string[] = [];
  let sent = 0;
  let slowestMs = 0;
  const batches = fc.array(anyRequest(document), { minLength: 1, maxLength: TOGETHER, size: 'max' });

  function note({ operation, method }: FuzzRequest, { status, ms }: WireAnswer): void {
    sent += 1;
    slowestMs = Math.max(slowestMs, ms);
    statuses[status] = (statuses[status] ?? 0) + 1;
    const { operationId } = operation;
    if (method === operation.method) best.set(operationId, Math.min(status, best.get(operationId) ?? status));
  }

  async function trySend(request: FuzzRequest, ground: Ground): Promise<string[]> {
    const wire = toWire(request, ground);
    try {
      const answer = await sender.send(wire);
      note(request, answer);
      return findMistakes(document, request.operation, wire, answer);
    } catch (error) {
      return [`${request.operation.operationId} got no answer: ${(error as Error).message}`];
    }
  }

  async function runRound(round: number): Promise<void> {
    const ground = await prepareGround(fuzzed);
    const until = sent + Math.min(ROUND, requests - sent);
    const property = fc.asyncProperty(batches, async (batch) => {
      if (sent >= until) return;
      const mistakes = (await Promise.all(batch.map((request) => trySend(request, ground)))).flat();
      if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
    });
    const details = await fc.check(property, {
      seed: seed + round,
      numRuns: ROUND,
      interruptAfterTimeLimit: SHRINK_MS + 60_000,
      markInterruptAsFailure: false,
    });
    if (details.failed) failures.push(describeFailure(details, ground, round));
  }

  function describeFailure(
    { counterexample, errorInstance }: fc.RunDetails<[FuzzRequest[]]>,
    ground: Ground,
    round: number,
  ) {
    const commands = (counterexample?.[0] ?? []).map((request) => toCurl(server.url, toWire(request, ground)));
    const happened = (errorInstance as Error | null)?.message ?? 'no reason was given';
    return [`Seed ${seed}, round ${round}: ${happened}`, ...commands].join('\n');
  }

  for (let round = 0; sent < requests && failures.length === 0; round += 1) {
    await runRound(round);
    if (round % 5 === 4) say(`${sent} requests, slowest ${Math.round(slowestMs)} ms`);
  }
  failures.push(...(await findDeath(fuzzed)));
  sender.close();
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  const calls = countCalls(document, best);
  return { seed, requests: sent, seconds, slowestMs: Math.round(slowestMs), statuses, calls, failures };
}

function countCalls({ operations }: Document, best: ReadonlyMap<string, number>): CallFigures {
  const namesOf = (is: (status: number | undefined) => boolean): string[] =>
    operations.map(({ operationId }) => operationId).filter((name) => is(best.get(name)));
  return {
    all: operations.length,
    done: namesOf((status) => status !== undefined && status < 400).length,
    refused: namesOf((status) => status !== undefined && status >= 400),
    notAsked: namesOf((status) => status === undefined),
  };
}

/** Whether the server lives, and has noted no fault that its answers did not show. */
async function findDeath({ server }: FuzzedServer): Promise<string[]> {
  const alive = await server.client.call('getMe').then(
    () => [],
    (error: Error) => [`The server does not answer any more: ${error.message}`],
  );
  const faults = server
    .readLog()
    .split('\n')
    .filter((line) => /"level":(50|60|"error"|"fatal")/.test(line));
  return [...alive, ...faults.slice(0, 3).map((line) => `The server's log has a fault: ${line.slice(0, 1_000)}`)];
}

/** The last lines of a run: calls by their best answer, then the figures. */
export const formatFigures = ({
  requests,
  seconds,
  seed,
  failures,
  slowestMs,
  statuses,
  calls,
}: FuzzReport): string => {
  const listed = (names: readonly string[]) => (names.length === 0 ? '0' : `${names.length} (${names.join(', ')})`);
  const counts = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
  return [
    `${calls.all} calls by best answer: ${calls.done} done, refused each time ${listed(calls.refused)}, not asked ${listed(calls.notAsked)}`,
    `${requests} requests in ${seconds} s, seed ${seed}: ${failures.length} failures, slowest ${slowestMs} ms, ${counts.join(', ')}`,
  ].join('\n');
};
