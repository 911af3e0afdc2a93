/** Cuts a stream of bytes into lines, wherever its chunks end. */
export interface LineScanner {
  push(chunk: Uint8Array): void;
  /** Hands over a last line without an end; the scanner takes nothing more. */
  end(): void;
  /** Bytes of all lines handed over so far, line breaks included. */
  consumed(): number;
}

/** Of a longer line only the beginning is looked at. */
const MAX_LINE_BYTES = 16_384;

const NEWLINE = 0x0a;

/**
 * Calls `onLine` for every line, without its line break, as a range of bytes that is valid during the call only: nothing is
 * copied or decoded for a line that nobody wants, which is what makes 100,000 lines per second cheap.
 */
export function createLineScanner(onLine: (bytes: Uint8Array, start: number, end: number) => void): LineScanner {
  const begun = new Uint8Array(MAX_LINE_BYTES);
  let length = 0;
  let consumed = 0;
  let pushed = 0;
  const keep = (chunk: Uint8Array, start: number, end: number) => {
    const taken = Math.min(end - start, MAX_LINE_BYTES - length);
    begun.set(chunk.subarray(start, start + taken), length);
    length += taken;
  };
  const flush = () => {
    onLine(begun, 0, length);
    length = 0;
  };
  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        if (length > 0) {
          keep(chunk, start, end);
          flush();
        } else onLine(chunk, start, Math.min(end, start + MAX_LINE_BYTES));
        start = end + 1;
        consumed = pushed + start;
      }
      if (start < chunk.length) keep(chunk, start, chunk.length);
      pushed += chunk.length;
    },
    end() {
      if (length > 0) flush();
      consumed = pushed;
    },
    consumed: () => consumed,
  };
}
