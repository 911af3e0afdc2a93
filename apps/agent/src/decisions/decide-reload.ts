/** What a newly read configuration means to an agent that runs. */
export interface ReloadChoice<C> {
  /** What is in force from now on: the present one with the new values of hot keys. */
  readonly configuration: C;
  /** Hot keys whose value changed. */
  readonly changed: readonly string[];
  /** Keys whose value differs from the one in force, and which count from the next start on. */
  readonly restartNeeded: readonly string[];
}

type Level = { readonly [key: string]: unknown };

/**
 * Takes over what can change in a running agent and keeps the rest as it was, so that the agent never runs on a mixture that nobody
 * wrote: a key is either wholly old or wholly new.
 *
 * @param isHot whether a key, such as `heartbeat.interval`, may change while the agent runs
 */
export function decideReload<C extends object>(current: C, next: C, isHot: (key: string) => boolean): ReloadChoice<C> {
  const changed: string[] = [];
  const restartNeeded: string[] = [];
  const merge = (ours: Level, theirs: Level, path: string): Level =>
    Object.fromEntries(
      Object.keys({ ...ours, ...theirs }).map((name) => [name, take(`${path}${name}`, ours[name], theirs[name])]),
    );
  function take(key: string, present: unknown, wanted: unknown): unknown {
    if (isLevel(present) && isLevel(wanted)) return merge(present, wanted, `${key}.`);
    if (isSame(present, wanted)) return present;
    (isHot(key) ? changed : restartNeeded).push(key);
    return isHot(key) ? wanted : present;
  }
  const configuration = merge(current as Level, next as Level, '') as C;
  return { configuration, changed, restartNeeded };
}

const isLevel = (value: unknown): value is Level =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
