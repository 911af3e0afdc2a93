import type { AttemptId, CancelLevel, RunTask, TaskId } from '@groundcrew/protocol';
import type { CrewEffect } from './effects.ts';
import type { HeldAttempt } from './held-attempt.ts';

/**
 * What a folder is for.
 * - `spare`: a warm runner waits in it for an offer.
 * - `taking`: it was chosen for an offer whose accept has no answer yet.
 * - `attempt`: the server has accepted; only everything delivered ends this.
 * - `leaving`: nothing of it is needed; it goes with its runner.
 */
type FolderUse = 'spare' | 'taking' | 'attempt' | 'leaving';

/** One folder of the agent's, and the runner in it. */
export interface CrewFolder {
  readonly name: string;
  readonly use: FolderUse;
  /** Present from `taking` on. */
  readonly attempt: HeldAttempt | undefined;
  /** The offer as it came, until its task is written into the folder. */
  readonly order: RunTask | undefined;
  /** False while the folder is only being made. */
  readonly made: boolean;
  /** `coming`: started or being looked for; `none`: there is none and none is on its way. */
  readonly runner: 'none' | 'coming' | 'attached';
  /** Only rises; a runner that is not there yet hears it when it comes. */
  readonly cancelLevel: CancelLevel;
  /** Runners that went without having delivered everything, one after the other. */
  readonly losses: number;
}

/**
 * - `serving`: takes offers.
 * - `draining`: takes nothing new, and is done once it holds nothing.
 * - `leaving`: gives everything up but what runs; the next agent finds that again.
 */
type CrewMode = 'serving' | 'draining' | 'leaving';

/** Everything an agent decides upon. Plain data: the whole of it comes from {@link createCrew} and the events since. */
export interface Crew {
  readonly mode: CrewMode;
  /** Attempts at once, plans and applies together. */
  readonly maxConcurrent: number;
  /** Warm runners to keep for the next offers. */
  readonly sparesWanted: number;
  /** Spares whose runner went by itself since the last one was taken; slows the making of further ones. */
  readonly spareLosses: number;
  /** Folders are named `<prefix><number>`. */
  readonly prefix: string;
  readonly nextFolder: number;
  readonly folders: readonly CrewFolder[];
  /** Tasks that somebody watches, with the milliseconds between log sends if the server said so. */
  readonly watched: ReadonlyMap<TaskId, number | undefined>;
}

export interface CrewOptions {
  maxConcurrent: number;
  sparesWanted: number;
  /** Tells this agent's folders from those of an earlier one: random, and short, since sockets live in them. */
  prefix: string;
}

export const createCrew = (options: CrewOptions): Crew => ({
  ...options,
  mode: 'serving',
  spareLosses: 0,
  nextFolder: 1,
  folders: [],
  watched: new Map(),
});

/** What an event leads to: the crew after it, and what is to be done, in this order. */
export interface CrewStep {
  crew: Crew;
  effects: readonly CrewEffect[];
}

/** Attempts that count against the slots. */
export const listHeld = ({ folders }: Crew): HeldAttempt[] =>
  folders.flatMap(({ attempt }) => (attempt === undefined ? [] : [attempt]));

export const findFolder = ({ folders }: Crew, name: string): CrewFolder | undefined =>
  folders.find((folder) => folder.name === name);

export const findByAttempt = ({ folders }: Crew, attemptId: AttemptId): CrewFolder | undefined =>
  folders.find(({ attempt }) => attempt?.attemptId === attemptId);

/** Whether an offer was taken up and has no answer yet. */
export const isTaking = (crew: Crew, attemptId: AttemptId): boolean => findByAttempt(crew, attemptId)?.use === 'taking';

/** The crew with one folder changed; without it when there is no such folder. */
export const changeFolder = (crew: Crew, name: string, change: Partial<Omit<CrewFolder, 'name'>>): Crew => ({
  ...crew,
  folders: crew.folders.map((folder) => (folder.name === name ? { ...folder, ...change } : folder)),
});

export const addFolder = (crew: Crew, folder: Pick<CrewFolder, 'name'> & Partial<CrewFolder>): Crew => ({
  ...crew,
  folders: [...crew.folders, { ...NEW_FOLDER, ...folder }],
});

export const dropFolder = (crew: Crew, name: string): Crew => ({
  ...crew,
  folders: crew.folders.filter((folder) => folder.name !== name),
});

const NEW_FOLDER = {
  use: 'spare',
  attempt: undefined,
  order: undefined,
  made: false,
  runner: 'none',
  cancelLevel: 0,
  losses: 0,
} as const;
