import type { HeldAttempt } from './held-attempt.ts';

/** What can be seen of a folder that this agent did not make itself. */
export interface FolderEvidence {
  /** It is a folder that an agent made for a runner. */
  ours: boolean;
  /** The attempt it belongs to; undefined for a spare's, and where that cannot be read any more. */
  attempt: HeldAttempt | undefined;
  /** Something of an attempt is in it: a journal, data, a state. */
  worked: boolean;
  /** Somebody holds `lock`: a runner lives. */
  lockHeld: boolean;
  /** An older instance of this agent still works beside us; its spares are its own. */
  olderLives: boolean;
}

/**
 * - `attach`: the runner lives; talk to it, count its slot.
 * - `start`: no runner lives: a new one takes the folder over, whatever is left to do there.
 * - `dismiss`: an earlier agent's spare; it is sent away and its folder removed.
 * - `remove`: an earlier agent's spare that is gone already.
 * - `keep`: something of an attempt is there and nobody can tell which; never removed by itself.
 * - `ignore`: none of ours.
 */
export type FolderChoice = 'attach' | 'start' | 'dismiss' | 'remove' | 'keep' | 'ignore';

/**
 * What to do about a folder, at the agent's start and whenever it looks again. What has to be done inside (take over, deliver,
 * report) is the runner's to decide, from the journal; nothing here rests on a pid or on silence.
 */
export function decideFolder({ ours, attempt, worked, lockHeld, olderLives }: FolderEvidence): FolderChoice {
  if (attempt !== undefined) return lockHeld ? 'attach' : 'start';
  if (!ours) return 'ignore';
  if (worked) return 'keep';
  // A folder on its way to become an attempt's looks like a spare's.
  if (olderLives) return 'ignore';
  return lockHeld ? 'dismiss' : 'remove';
}
