import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, isLoopback } from '@groundcrew/client';
import type { Clock, Logger, Random } from '@groundcrew/kit';
import type { Phase, RunnerTask } from '@groundcrew/protocol';
import { collectStateSecrets, createOutputReader, type OutputReader, type SensitiveValue } from '@groundcrew/terraform';
import type { AttemptFolder } from '../folder/index.ts';
import type { Wishes } from '../lease/index.ts';
import { compilePatterns, maskText, type Secret } from '../mask/index.ts';
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
  readonly isEnded: () => boolean;
}

/** The attempt's logs over the spool: one stream a phase, masked with the same secrets, read along for progress and errors. */
export function openLog(deps: LogDeps): AttemptLog {
  const { wishes } = deps;
  const phases = new Map<Phase, Promise<OpenPhase>>();
  const known: Secret[] = deps.secrets.map(toSecret);
  const streams = async (): Promise<OpenPhase[]> => Promise.all(phases.values());
  const forget = wishes.onChange(() => void streams().then((all) => all.map(({ stream }) => setPace(stream, wishes))));

  function open(phase: Phase, total?: number): Promise<OpenPhase> {
    const opening = phases.get(phase) ?? openPhase(deps, { phase, total, secrets: known, onSuccess });
    phases.set(phase, opening);
    return opening;
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
    open,
    opened: streams,
    learn,
    learnState: async (path) => learn(collectStateSecrets(await readFile(path))),
    mask: (text) => maskText(text, compilePatterns([{ fromOffset: 0, secrets: known }])),
    nudge,
    async close() {
      forget();
      await Promise.all((await streams()).map(({ stream }) => stream.stop()));
    },
  };
}

const toSecret = ({ origin, value }: SensitiveValue): Secret => ({ name: origin, value });

interface PhaseOptions {
  phase: Phase;
  total: number | undefined;
  secrets: readonly Secret[];
  onSuccess: () => void;
}

async function openPhase(deps: LogDeps, { phase, total = 0, secrets, onSuccess }: PhaseOptions): Promise<OpenPhase> {
  const { folder, client, task, wishes } = deps;
  const path = folder.raw[phase];
  let output: OutputReader = createOutputReader({ total });
  const stream = await openLogStream({
    ...deps,
    phase,
    rawPath: path,
    folder: join(folder.spool, phase),
    secrets,
    append: createAppendLog(client, task.task_id),
    createTap: (from) => {
      output = createOutputReader({ total, ...(from ? { from: from as ReturnType<OutputReader['snapshot']> } : {}) });
      return output;
    },
    createCutter: keepDumps(folder.state),
    // Between processes of one machine packing costs more than it spares.
    compress: !isLoopback(new URL(client.baseUrl).hostname),
    onSuccess,
  });
  setPace(stream, wishes);
  let ended: ReturnType<PhaseLog['end']> | undefined;
  return {
    path,
    stream,
    output,
    isEnded: () => ended !== undefined,
    async note(sentence) {
      if (ended === undefined) await appendFile(path, `Groundcrew: ${sentence}\n`, { mode: 0o600 });
    },
    end() {
      if (ended === undefined) stream.finish();
      ended ??= stream.measure().then((end) => ({ phase, ...end }));
      return ended;
    },
    delivered: async () => void (await stream.delivered()),
  };
}

function setPace(stream: LogStream, { watched, logIntervalMs }: Wishes): void {
  if (logIntervalMs === undefined) stream.setWatched(watched);
  else stream.setIntervalMs(logIntervalMs);
}
