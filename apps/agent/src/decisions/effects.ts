import type { RunTask, ToRunner } from '@groundcrew/protocol';
import type { RunnerEnded } from './events.ts';
import type { HeldAttempt } from './held-attempt.ts';

/** What is to be done. What it leads to comes back as the event that is named with it. */
export type CrewEffect =
  /** `folder_made` or `folder_failed`. */
  | { do: 'make_folder'; folder: string }
  /** Starts a runner on the folder and attaches: `runner_up`, and `runner_gone` in the end. */
  | { do: 'start_runner'; folder: string }
  /** Attaches to the runner that holds the folder: the same. */
  | { do: 'attach'; folder: string }
  /** Looks, after a pause, whether a runner holds the folder: `looked`. */
  | { do: 'look'; folder: string; afterMs: number }
  /** Puts a new secret into the folder and accepts with its hash, asking until there is an answer: `accept_answered`, or `folder_failed`. */
  | { do: 'accept'; folder: string; order: RunTask }
  | { do: 'reject'; order: RunTask; reason: string }
  /** Makes the folder the attempt's: `task_written` or `task_failed`. */
  | { do: 'write_task'; folder: string; order: RunTask }
  /** Tells the folder's runner that its task stands there. */
  | { do: 'assign'; folder: string; order: RunTask }
  /** To the folder's runner. */
  | { do: 'send'; folder: string; message: ToRunner }
  | { do: 'remove_folder'; folder: string }
  /** An attempt is over and its slot free. */
  | { do: 'tell_end'; attempt: HeldAttempt; ended: RunnerEnded }
  /** `fill_spares` after a pause. */
  | { do: 'fill_later'; afterMs: number }
  /** Gives up the link to a runner that goes on. */
  | { do: 'detach'; folder: string }
  /** Draining is over: nothing is held. */
  | { do: 'idle' }
  | { do: 'say'; level: 'info' | 'warn' | 'error'; sentence: string; folder?: string; attempt?: HeldAttempt };
