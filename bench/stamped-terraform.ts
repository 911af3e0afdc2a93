import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findTerraform } from '../e2e/harness/index.ts';

/** When a Terraform process was started or ended. */
interface Stamp {
  what: 'start' | 'end';
  /** Milliseconds since 1970, by the clock that {@link now} reads. */
  at: number;
  /** `init`, `plan`, … */
  command: string;
}

export interface StampedTerraform {
  /** Folder to put first on a PATH. */
  folder: string;
  /** The program itself. */
  path: string;
  /** Stamps from a moment on. */
  listStamps(since: number): Stamp[];
  /** Waits for a stamp without asking anybody who is being measured; undefined when it does not come in time. */
  waitFor(what: Stamp['what'], command: string, since: number, timeoutMs?: number): Promise<Stamp | undefined>;
}

/** Milliseconds since 1970, with fractions; the same clock as the stamps'. */
export const now = (): number => performance.timeOrigin + performance.now();

/**
 * A program named terraform that writes down the time, runs the real one, and writes down the time again. What it costs itself
 * (a shell's start) counts against us where Groundcrew starts it, and alike on both sides where bare runs use it too.
 */
export function createStampedTerraform(folder: string): StampedTerraform {
  mkdirSync(folder, { recursive: true });
  const [path, stamps] = [join(folder, 'terraform'), join(folder, 'stamps')];
  appendFileSync(stamps, '');
  const script = `#!/bin/bash
echo "start $EPOCHREALTIME $*" >> ${stamps}
${findTerraform()} "$@"
code=$?
echo "end $EPOCHREALTIME $*" >> ${stamps}
exit $code
`;
  writeFileSync(path, script, { mode: 0o755 });
  const listStamps = (since: number): Stamp[] =>
    readFileSync(stamps, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(parseStamp)
      .filter(({ at }) => at >= since);
  return {
    folder,
    path,
    listStamps,
    async waitFor(what, command, since, timeoutMs = 10_000) {
      for (const deadline = now() + timeoutMs; now() < deadline; await sleep(LOOK_EVERY_MS)) {
        const found = listStamps(since).find((stamp) => stamp.what === what && stamp.command === command);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

const LOOK_EVERY_MS = 5;

function parseStamp(line: string): Stamp {
  const [what, seconds, ...argv] = line.split(' ');
  const command = argv.find((word) => !word.startsWith('-')) ?? '';
  return { what: what as Stamp['what'], at: Number(seconds?.replace(',', '.')) * 1000, command };
}
