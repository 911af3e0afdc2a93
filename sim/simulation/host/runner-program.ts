import type { Logger } from '@groundcrew/kit';
import { systemClock } from '@groundcrew/kit';
import { attemptFolder } from '@groundcrew/runner/folder';
import { runRunner } from '@groundcrew/runner/runner';
import type { Process } from '../world.ts';
import type { Program } from './child-process.ts';

/** The product's runner, whole, as `runner <folder>`: its main.ts without logger and signals. */
export const runnerProgram: Program = async ({ process, args }) => {
  const { world } = process.host;
  // Whoever stops a service means the agent.
  process.onSignal = () => {};
  const end = await runRunner({
    folder: attemptFolder(args.at(-1) ?? ''),
    version: '0.1.0',
    clock: systemClock,
    random: world.dice.fork(`runner ${process.host.name} ${process.pid}`).next,
    logger: createTraceLogger(process, 'runner'),
  });
  world.trace.note(process.host.name, `runner ${process.pid} leaves: ${end}`);
  return end === 'folder_taken' ? 75 : 0;
};

/** A logger whose lines go into the trace. */
export function createTraceLogger(process: Process, name: string): Logger {
  const { trace } = process.host.world;
  const log = (fields: unknown, sentence?: string) => {
    const text = typeof fields === 'string' ? fields : (sentence ?? '');
    const error = (fields as { err?: unknown }).err;
    const why = error instanceof Error ? ` (${error.message})` : '';
    trace.note(process.host.name, `${name} ${process.pid}: ${text}${why}`);
  };
  const quiet = () => {};
  const logger = { trace: quiet, debug: quiet, info: log, warn: log, error: log, fatal: log, silent: quiet };
  return { ...logger, child: () => logger } as unknown as Logger;
}
