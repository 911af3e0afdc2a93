/** Takes text in any pieces and gives its lines; a line longer than `longest` is told as an error, once. */
export function splitLines(
  longest: number,
  onLine: (line: string) => void,
  onTooLong: (error: Error) => void,
): (piece: string) => void {
  let rest = '';
  let isOver = false;
  return (piece) => {
    if (isOver) return;
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    isOver = rest.length > longest || lines.some((line) => line.length > longest);
    if (isOver) onTooLong(new Error(`it says a line of more than ${longest} characters`));
    else for (const line of lines) if (line.trim() !== '') onLine(line);
  };
}
