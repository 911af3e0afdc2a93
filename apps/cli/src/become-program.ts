/** How the program is started. */
interface Start {
  args: readonly string[];
  /** Of Node itself. */
  flags?: readonly string[];
}

/**
 * Becomes another program of ours: the same process, so that signals reach it, its output is ours and its exit code too. A parent in
 * between would have to pass signals on, and in a terminal they would arrive twice.
 *
 * @param settings added to the environment; what is undefined stays as it was
 */
export function becomeProgram(
  entry: string,
  { args, flags = [] }: Start,
  env: NodeJS.ProcessEnv,
  settings: Record<string, string | number | undefined>,
): never {
  const all = Object.entries({ ...env, ...withoutUndefined(settings) }).filter((pair) => pair[1] !== undefined);
  process.execve?.(
    process.execPath,
    [process.execPath, ...flags, entry, ...args],
    Object.fromEntries(all.map(([name, value]) => [name, String(value)])),
  );
  throw new Error(`This Node (${process.version}) cannot start ${entry} in its place.`);
}

const withoutUndefined = (settings: Record<string, string | number | undefined>) =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
