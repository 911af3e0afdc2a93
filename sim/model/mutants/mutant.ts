/** One guard of the life cycle, taken out of its source. */
export interface Mutant {
  /** What the guard is for. */
  readonly guard: string;
  /** Below the lifecycle's folder. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** The source without the guard. Throws when the guard is not there exactly once: then the list is older than the code. */
export function applyMutant({ guard, file, find, replace }: Mutant, source: string): string {
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new Error(
      `The guard "${guard}" stands ${parts.length - 1} times in ${file}; correct sim/model/mutants/list.ts.`,
    );
  return parts.join(replace);
}
