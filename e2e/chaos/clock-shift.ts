import { writeFileSync } from 'node:fs';
import { sendSignal } from '../harness/index.ts';

/** The wall clock of one program, which can be made to jump. */
export interface ClockShift {
  /** Goes into the program's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes the clock of the running process wrong by so much; 0 makes it right again. */
  jump(pid: number, byMs: number): void;
}

/**
 * A program of Node's learns the time through `Date`, and only this `Date` jumps: the machine's clock is everybody's, and PostgreSQL,
 * by whose clock the server decides, reads that one. Monotonic time goes on as it does when a real clock is set.
 *
 * @param file where the offset and what reads it are kept; nothing else may use its name
 */
export function createClockShift(file: string): ClockShift {
  const offset = `${file}.offset`;
  const shim = `${file}.mjs`;
  writeFileSync(offset, '0');
  writeFileSync(shim, MODULE.replace('OFFSET_FILE', JSON.stringify(offset)));
  return {
    env: { NODE_OPTIONS: `--import=${shim}` },
    jump(pid, byMs) {
      writeFileSync(offset, String(byMs));
      sendSignal(pid, 'SIGWINCH');
    },
  };
}

const MODULE = `import { readFileSync } from 'node:fs';
const Real = globalThis.Date;
const read = () => Number(readFileSync(OFFSET_FILE, 'utf8'));
let offset = read();
process.on('SIGWINCH', () => { offset = read(); });
globalThis.Date = class Date extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() + offset);
    else super(...given);
  }
  static now() { return Real.now() + offset; }
};
`;
