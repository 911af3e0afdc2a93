import type { Io } from './io.ts';

/** Marks text for a terminal, or leaves it as it is. */
export interface Style {
  readonly colours: boolean;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export function createStyle(colours: boolean): Style {
  const mark = (name: keyof typeof CODES) => (text: string) =>
    colours && text !== '' ? `\u001b[${CODES[name][0]}m${text}\u001b[${CODES[name][1]}m` : text;
  return {
    colours,
    bold: mark('bold'),
    dim: mark('dim'),
    red: mark('red'),
    green: mark('green'),
    yellow: mark('yellow'),
    cyan: mark('cyan'),
  };
}

/**
 * Colours only on a terminal, and not where somebody asked for none (https://no-color.org: any value that is not empty).
 * FORCE_COLOR is for those who know that the far end of a pipe is a terminal.
 */
export function wantsColours({ env }: Pick<Io, 'env'>, stream: { isTTY?: boolean }): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}
