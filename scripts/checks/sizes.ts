/** Said in review from here on. */
const WARN_LINES = 400;
const STOP_LINES = 600;

/** Sources that are too long. Generated files, which say so in their first line, may be. */
export function findLongFiles(files: ReadonlyMap<string, string>): { mistakes: string[]; warnings: string[] } {
  const sizes = [...files]
    .filter(([, text]) => !/^.*(generated|do not edit)/i.test(text))
    .map(([path, text]) => ({ path, lines: text.split('\n').length - 1 }));
  const say = (path: string, lines: number) => `${path} has ${lines} lines; split it by concern`;
  return {
    mistakes: sizes
      .filter(({ lines }) => lines > STOP_LINES)
      .map(({ path, lines }) => `${say(path, lines)} (at most ${STOP_LINES}).`),
    warnings: sizes
      .filter(({ lines }) => lines > WARN_LINES && lines <= STOP_LINES)
      .map(({ path, lines }) => `${say(path, lines)}, or say in review why it is longer than ${WARN_LINES}.`),
  };
}
