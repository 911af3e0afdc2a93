import type { Io } from './io.ts';
import { wantsColours } from './style.ts';

/**
 * The last line of the screen, drawn over and over while something goes on above it. On anything but a terminal nothing is
 * drawn; then `say` is how people hear of progress.
 */
export interface StatusLine {
  /**
   * What the line says from now on; undefined takes it away. Asked again for every drawing, so that times run on. A `calm` line
   * does not move while it says the same.
   */
  set(text: (() => string) | undefined, options?: { calm?: boolean }): void;
  /** Writes output above the line, on standard output. */
  write(text: string): void;
  /** Writes a message above the line, on standard error. */
  say(text: string): void;
  /** Takes the line away until `unpause`, for a question. */
  pause(): void;
  unpause(): void;
  close(): void;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const REDRAW_MS = 120;
const CLEAR = '\r\u001b[2K';

/** @param out where output goes; standard output when not given */
export function createStatusLine(io: Io, out: Io['stdout'] = io.stdout): StatusLine {
  const isLive = io.stderr.isTTY === true && io.env.TERM !== 'dumb';
  const dim = wantsColours(io, io.stderr) ? (text: string) => `\u001b[2m${text}\u001b[22m` : (text: string) => text;
  let text: (() => string) | undefined;
  let isDrawn = false;
  let isPaused = false;
  /** Whether the cursor stands at the beginning of a line; the status line needs one to itself. */
  let atLineStart = true;
  let frame = 0;
  let isCalm = false;
  let lastDrawn = '';
  let timer: NodeJS.Timeout | undefined;

  function clear(): void {
    if (isDrawn) io.stderr.write(CLEAR);
    isDrawn = false;
  }

  function draw(): void {
    if (text === undefined || !isLive || isPaused || !atLineStart) return;
    const now = fit(text(), (io.stderr.columns ?? 80) - 3);
    if (isCalm && isDrawn && now === lastDrawn) return;
    frame = (frame + 1) % FRAMES.length;
    io.stderr.write(`${CLEAR}${isCalm ? '●' : FRAMES[frame]} ${dim(now)}`);
    lastDrawn = now;
    isDrawn = true;
  }

  function writeTo(stream: Io['stdout'], message: string): void {
    if (message === '') return;
    clear();
    stream.write(message);
    if (stream.isTTY) atLineStart = message.endsWith('\n');
    draw();
  }

  return {
    set(next, { calm = false } = {}) {
      text = next;
      isCalm = calm;
      if (!isLive) return;
      if (next === undefined) clear();
      else draw();
      timer ??= setInterval(draw, REDRAW_MS).unref();
    },
    write: (message) => writeTo(out, message),
    say(message) {
      if (!atLineStart) writeTo(io.stderr, '\n');
      writeTo(io.stderr, `${message}\n`);
      atLineStart = true;
    },
    pause() {
      clear();
      isPaused = true;
    },
    unpause() {
      isPaused = false;
    },
    close() {
      clearInterval(timer);
      text = undefined;
      clear();
    },
  };
}

/** Cuts to the width, since a line that wraps cannot be drawn over. */
const fit = (text: string, width: number): string => {
  const line = text.replaceAll('\n', ' ');
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
};
