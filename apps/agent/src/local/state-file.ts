import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Clock, createLatch, createOutageLog, type Logger } from '@groundcrew/kit';
import type { AgentState } from '@groundcrew/protocol';

export interface StateFileDeps {
  path: string;
  state: () => AgentState;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
}

/** A supervisor takes a file that is several times as old for that of an agent that is gone. */
const WRITE_EVERY_MS = 5_000;
/** As the documentation says; a time from the future, after the clock was set back, is no better than an old one. */
const STALE_MS = 30_000;
/** Changes in quick succession share one writing. */
const GATHER_MS = 50;

/**
 * Tells a supervisor how the agent is. Replaced by rename, so that nobody reads half of it; not fsynced, because after a power cut no
 * agent runs that it could speak of. While a newer instance of the same agent takes over, the file is the newer one's. A disk that is
 * full costs the file's freshness, nothing else.
 */
export function createStateFile({ path, state, clock, logger, signal }: StateFileDeps) {
  const sentences = { trouble: 'the state file could not be written', recovery: 'the state file is written again' };
  const outage = createOutageLog({ clock, logger, ...sentences });
  const latch = createLatch();

  function write(): void {
    try {
      const next = state();
      if (!isNewers(path, next)) replace(path, `${JSON.stringify(next)}\n`);
      outage.worked();
    } catch (error) {
      outage.failed(error);
    }
  }

  return {
    /** Something in it has changed. */
    nudge: (): void => latch.wake(),
    /** Writes it at once, such as for the last time. */
    write,
    async keepWriting(): Promise<void> {
      removeLeftovers(path);
      while (!signal.aborted) {
        write();
        if (await latch.next(WRITE_EVERY_MS, signal)) await clock.sleep(GATHER_MS, signal).catch(() => undefined);
      }
    },
  };
}

/**
 * Whether a later start of this agent writes there. One that has not for a while is gone: instances are counted in the work folder, and
 * in a new one they begin again, below the number that a file from before it has.
 */
function isNewers(path: string, ours: AgentState): boolean {
  try {
    const theirs = JSON.parse(readFileSync(path, 'utf8')) as Partial<AgentState>;
    const ageMs = Date.parse(ours.updated_at) - Date.parse(theirs.updated_at ?? '');
    return theirs.agent_id === ours.agent_id && (theirs.instance ?? 0) > ours.instance && Math.abs(ageMs) < STALE_MS;
  } catch {
    return false;
  }
}

/** What agents left that were killed between writing and renaming. A fresh one may be that of an older instance beside this one. */
function removeLeftovers(path: string): void {
  const isOurs = (name: string): boolean => name.startsWith(`.${basename(path)}.`) && /\.\d+\.new$/.test(name);
  try {
    const found = readdirSync(dirname(path)).filter(isOurs);
    for (const leftover of found.map((name) => join(dirname(path), name)))
      if (Date.now() - statSync(leftover).mtimeMs > STALE_MS) rmSync(leftover, { force: true });
  } catch {
    // No folder yet, or one that is not ours to tidy: they are small and harm nobody.
  }
}

/** Small and rare, and written at once: also as the last thing that a process does. */
function replace(path: string, text: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.new`);
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(temporary, text, { mode: 0o644 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
