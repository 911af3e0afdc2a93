import type { AttemptId, CancelLevel, FromRunner, RunTask, TaskId } from '@groundcrew/protocol';
import type { FolderEvidence } from './decide-folder.ts';

/** A runner's last word: everything of its attempt is confirmed. */
export type RunnerEnded = FromRunner & { type: 'ended' };

/** Everything that can happen to an agent's crew. Any of them may come late, twice, or for a folder that is gone. */
export type CrewEvent =
  /** A folder stands in the attempts' folder that this agent did not make. */
  | { kind: 'found'; folder: string; evidence: FolderEvidence }
  /** The server offers an attempt. */
  | { kind: 'offer'; order: RunTask }
  /** A folder that was asked for is there, or could not be made or written to. */
  | { kind: 'folder_made'; folder: string }
  | { kind: 'folder_failed'; folder: string }
  /** The answer to an accept: taken, or refused with a sentence. */
  | { kind: 'accept_answered'; folder: string; refusal: string | undefined }
  /** The accepted task stands in its folder, or could not be written there. */
  | { kind: 'task_written'; folder: string }
  | { kind: 'task_failed'; folder: string }
  /** Whether a runner holds the folder of an attempt. */
  | { kind: 'looked'; folder: string; lockHeld: boolean }
  /** The link to a folder's runner is up. */
  | { kind: 'runner_up'; folder: string }
  /** It is gone, with the last word it said; or the runner did not come up at all. */
  | { kind: 'runner_gone'; folder: string; ended: RunnerEnded | undefined }
  /** Nobody can speak for the attempt of a folder, and nothing of Terraform runs in it any more. */
  | { kind: 'runner_mute'; folder: string; reason: string }
  /** The server wants an attempt stopped. */
  | { kind: 'cancel'; attemptId: AttemptId; level: CancelLevel }
  | { kind: 'watched'; taskId: TaskId; watched: boolean; intervalMs: number | undefined }
  /** It is time to look at the number of spares. */
  | { kind: 'fill_spares' }
  /** The configuration allows more or less from now on. */
  | { kind: 'limits'; maxConcurrent: number; sparesWanted: number }
  | { kind: 'drain'; reason: string }
  /** A second SIGTERM: plans are cancelled, applies never. */
  | { kind: 'cancel_plans' }
  | { kind: 'leave' };

export type CrewEventKind = CrewEvent['kind'];
export type CrewEventOf<K extends CrewEventKind> = Extract<CrewEvent, { kind: K }>;
