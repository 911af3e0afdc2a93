import type { EntryFields } from './change.ts';

/** An entry that this process wrote and whose transaction is committed. */
export interface WrittenEntry {
  readonly seq: number;
  readonly stamp: string;
  readonly entry: EntryFields;
}

/** What this process wrote and has not seen in the chain. */
export interface Memory {
  note(written: WrittenEntry): void;
  list(): readonly WrittenEntry[];
  forget(written: WrittenEntry): void;
}

/** A bound for the memory of the server while nothing is sealed. */
const MOST_REMEMBERED = 10_000;

/** @param onForgotten called when an entry had to be forgotten unseen */
export function createMemory(onForgotten: () => void): Memory {
  const remembered = new Map<string, WrittenEntry>();
  return {
    note(written) {
      const [oldest] = remembered.keys();
      if (remembered.size >= MOST_REMEMBERED && oldest !== undefined && remembered.delete(oldest)) onForgotten();
      remembered.set(written.stamp, written);
    },
    list: () => [...remembered.values()],
    forget: ({ stamp }) => void remembered.delete(stamp),
  };
}
