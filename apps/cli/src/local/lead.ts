import { formatDuration } from '@groundcrew/kit';
import type { Cli } from '../cli.ts';
import { createStatusLine, type StatusLine } from '../terminal/status-line.ts';
import { createStyle, type Style, wantsColours } from '../terminal/style.ts';

/** Leads a person through several steps: a status line while one runs, a ticked line once it is done. */
export interface Lead {
  readonly style: Style;
  /** Runs a step; `done` says what came of it. Gives its result and how long it took. */
  step<T>(
    doing: string,
    run: () => Promise<T>,
    done: (result: T, took: string) => string,
  ): Promise<{ result: T; ms: number }>;
  say(text: string): void;
  readonly status: StatusLine;
}

export function createLead(cli: Cli): Lead {
  const status = createStatusLine(cli.io);
  const style = createStyle(wantsColours(cli.io, cli.io.stderr));
  const say = (text: string) => {
    if (!cli.json) status.say(text);
  };
  return {
    style,
    status,
    say,
    async step(doing, run, done) {
      const start = cli.clock.now();
      status.set(() => doing);
      const result = await run().finally(() => status.set(undefined));
      const ms = cli.clock.now() - start;
      say(`${style.green('✔')} ${done(result, style.dim(formatDuration(ms)))}`);
      return { result, ms };
    },
  };
}
