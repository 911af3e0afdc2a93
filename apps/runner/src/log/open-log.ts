import { appendFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, isLoopback } from '@groundcrew/client';
import type { Clock, Logger, Random } from '@groundcrew/kit';
import type { Phase, RunnerTask } from '@groundcrew/protocol';
import {
  collectStateSecrets,
  createOutputReader,
  type OutputReader,
  type Progress,
  type SensitiveValue,
} from '@groundcrew/terraform';
import { type AttemptFolder, makeDurable } from '../folder/index.ts';
import type { Wishes } from '../lease/index.ts';
import { compilePatterns, maskText, type Patterns, type Secret } from '../mask/index.ts';
import { type LogStream, openLogStream } from '../spool/index.ts';
import { createAppendLog } from './append-log.ts';
import { keepDumps } from './keep-dumps.ts';
import type { AttemptLog, PhaseLog } from './phase-log.ts';

export interface LogDeps {
  folder: AttemptFolder;
  task: RunnerTask;
  client: Client;
  /** Masked from the first byte on. */
  secrets: readonly SensitiveValue[];
  wishes: Wishes;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** The server took a piece: a good moment for everybody else who waits for it. */
  onSuccess: () => void;
}

interface OpenPhase extends PhaseLog {
  readonly stream: LogStream;
  /** How many operations the plan has that is being applied. */
  expect(total: number): void;
  readonly isEnded: () => boolean;
}

/** The attempt's logs over the spool: one stream a phase, masked with the same secrets, read along for progress and errors. */
export function openLog(deps: LogDeps): AttemptLog {
  const { wishes } = deps;
  const phases = new Map<Phase, Promise<OpenPhase>>();
  const used = new Set<Phase>();
  const known: Secret[] = deps.secrets.map(toSecret);
  /** Those that could be opened; why another one could not is told to whoever opens it. */
  const streams = async (): Promise<OpenPhase[]> =>
    (await Promise.allSettled(phases.values())).flatMap((opening) =>
      opening.status === 'fulfilled' ? [opening.value] : [],
    );
  const forget = wishes.onChange(() => void streams().then((all) => all.map(({ stream }) => setPace(stream, wishes))));

  function prepare(phase: Phase): Promise<OpenPhase> {
    const opening = phases.get(phase) ?? openPhase(deps, { phase, secrets: known, onSuccess });
    phases.set(phase, opening);
    // Told to whoever opens it.
    opening.catch(() => {});
    return opening;
  }

  async function open(phase: Phase, total?: number): Promise<OpenPhase> {
    used.add(phase);
    const opened = await prepare(phase);
    if (total !== undefined) opened.expect(total);
    return opened;
  }

  function onSuccess(): void {
    deps.onSuccess();
    nudge();
  }

  function nudge(): void {
    void streams().then((all) => all.map(({ stream }) => stream.wake()));
  }

  async function learn(secrets: readonly SensitiveValue[]): Promise<void> {
    const fresh = secrets.map(toSecret).filter(({ value }) => !known.some((secret) => secret.value === value));
    if (fresh.length === 0) return;
    known.push(...fresh);
    const all = await streams();
    await Promise.all(all.map(({ stream, isEnded }) => (isEnded() ? undefined : stream.addSecrets(fresh))));
  }

  return {
    prepare: (phase) => void prepare(phase),
    open,
    opened: async () => Promise.all((await listUsed(deps.folder, used)).map(prepare)),
    learn,
    learnState: async (path) => learn(collectStateSecrets(await readFile(path))),
    unmaskable: () => patternsOf(known).unmaskable,
    mask: (text) => maskText(text, patternsOf(known)),
    nudge,
    async close() {
      forget();
      await Promise.all((await streams()).map(({ stream }) => stream.stop()));
    },
  };
}

/** The phases that something was written for, by us or by an earlier runner. */
async function listUsed({ raw }: AttemptFolder, used: ReadonlySet<Phase>): Promise<Phase[]> {
  const isUsed = async (phase: Phase) =>
    used.has(phase) || ((await stat(raw[phase]).catch(() => undefined))?.size ?? 0) > 0;
  const [plan, apply] = await Promise.all([isUsed('plan'), isUsed('apply')]);
  return [...(plan ? ['plan' as const] : []), ...(apply ? ['apply' as const] : [])];
}

const patternsOf = (secrets: readonly Secret[]): Patterns => compilePatterns([{ fromOffset: 0, secrets }]);

const toSecret = ({ origin, value }: SensitiveValue): Secret => ({ name: origin, value });

interface PhaseOptions {
  phase: Phase;
  secrets: readonly Secret[];
  onSuccess: () => void;
}

async function openPhase(deps: LogDeps, { phase, secrets, onSuccess }: PhaseOptions): Promise<OpenPhase> {
  const { folder, client, task, wishes } = deps;
  const path = folder.raw[phase];
  let reader: OutputReader = createOutputReader();
  let expected = 0;
  const stream = await openLogStream({
    ...deps,
    phase,
    rawPath: path,
    folder: join(folder.spool, phase),
    secrets,
    append: createAppendLog(client, task.task_id),
    // The machine's death ends a plan, but not what goes on to apply: its plan's log is delivered beside the apply's.
    isDurable: task.action !== 'plan',
    createTap: (from) => {
      reader = createOutputReader(from ? { from: from as ReturnType<OutputReader['snapshot']> } : {});
      return reader;
    },
    createCutter: keepDumps(folder.state),
    // Between processes of one machine packing costs more than it spares.
    compress: !isLoopback(new URL(client.baseUrl).hostname),
    onSuccess,
  });
  setPace(stream, wishes);
  let ended: ReturnType<PhaseLog['end']> | undefined;

  /** What an exit record promises has to outlive the machine as the record does. */
  async function measure(): ReturnType<PhaseLog['end']> {
    const end = await stream.measure();
    if (end.length > 0) await makeDurable(path);
    return { phase, ...end };
  }

  return {
    path,
    stream,
    output: { progress: () => withTotal(reader.progress(), expected), errors: reader.errors },
    expect(total) {
      expected = total;
    },
    isEnded: () => ended !== undefined,
    async note(sentence) {
      if (ended === undefined) await appendFile(path, `Groundcrew: ${sentence}\n`, { mode: 0o600 });
    },
    end() {
      if (ended === undefined) stream.finish();
      ended ??= measure();
      return ended;
    },
    delivered: async () => void (await stream.delivered()),
  };
}

/** The apply of a saved plan does not print again how much there is to do. */
const withTotal = (progress: Progress, expected: number): Progress => ({
  ...progress,
  total: progress.total || expected,
});

function setPace(stream: LogStream, { watched, logIntervalMs }: Wishes): void {
  if (logIntervalMs === undefined) stream.setWatched(watched);
  else stream.setIntervalMs(logIntervalMs);
}
