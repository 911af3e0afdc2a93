/** One line of the ledger: a resource that was applied. */
export interface LedgerLine {
  readonly label: string;
  readonly resource: string;
}

/**
 * Reads the ledger. Throws on a line that no order of ours writes: single writes are not torn, so something else is wrong.
 */
export const parseLedger = (text: string): LedgerLine[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);

function parseLine(line: string): LedgerLine {
  const [label, resource, ...rest] = line.split(' ');
  if (!label || !resource || rest.length > 0) throw new Error(`The ledger holds a line that nobody writes: "${line}".`);
  return { label, resource };
}
