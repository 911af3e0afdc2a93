import { formatDuration } from '@groundcrew/kit';
import type { CheckResult } from './check.ts';

/** One line per check, and below it what is wrong. */
export function printResult({ name, mistakes, warnings = [], durationMs }: CheckResult): void {
  console.log(`${mistakes.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${formatDuration(durationMs)})`);
  for (const mistake of mistakes) console.log(indent(mistake));
  for (const warning of warnings) console.log(indent(`warning: ${warning}`));
}

const indent = (text: string): string => text.replaceAll(/^/gm, '       ');
