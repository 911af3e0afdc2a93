import { addFolder, type Crew, type CrewStep, findByAttempt, findFolder } from './crew.ts';
import { decideFolder, type FolderChoice, type FolderEvidence } from './decide-folder.ts';
import type { CrewEffect } from './effects.ts';
import type { CrewEventOf } from './events.ts';
import type { HeldAttempt } from './held-attempt.ts';

/** Takes over what an earlier agent left, or an older one beside us still holds: living runners are attached, dead ones get a successor. */
export function onFound(crew: Crew, { folder, evidence }: CrewEventOf<'found'>): CrewStep {
  if (crew.mode === 'leaving' || findFolder(crew, folder) !== undefined) return { crew, effects: [] };
  const choice = decideFolder(evidence);
  const { attempt } = evidence;
  if (choice === 'attach' || choice === 'start') return adopt(crew, folder, choice, attempt);
  return ASIDE[choice](crew, folder);
}

function adopt(crew: Crew, name: string, choice: 'attach' | 'start', attempt: HeldAttempt | undefined): CrewStep {
  // A copied folder speaks for an attempt that has its own; two would deliver over each other.
  if (attempt !== undefined && findByAttempt(crew, attempt.attemptId) !== undefined)
    return say(crew, 'error', 'two folders are of one attempt; the second one is left as it is', name);
  const adopted = addFolder(crew, { name, use: 'attempt', attempt, made: true, runner: 'coming' });
  const effect: CrewEffect = { do: choice === 'attach' ? 'attach' : 'start_runner', folder: name };
  const said = say(adopted, 'info', 're-adopting an attempt', name, attempt);
  return { crew: adopted, effects: [...said.effects, effect] };
}

const ASIDE: Record<Exclude<FolderChoice, 'attach' | 'start'>, (crew: Crew, folder: string) => CrewStep> = {
  ignore: (crew) => ({ crew, effects: [] }),
  remove: (crew, folder) => ({ crew, effects: [{ do: 'remove_folder', folder }] }),
  dismiss: (crew, folder) => ({
    crew: addFolder(crew, { name: folder, use: 'leaving', made: true, runner: 'coming' }),
    effects: [{ do: 'attach', folder }],
  }),
  keep: (crew, folder) =>
    say(
      crew,
      'error',
      'a folder holds work of an attempt, but its task.json cannot be read; it is left as it is, look into it by hand',
      folder,
    ),
};

const say = (
  crew: Crew,
  level: 'info' | 'error',
  sentence: string,
  folder: string,
  attempt?: FolderEvidence['attempt'],
): CrewStep => ({ crew, effects: [{ do: 'say', level, sentence, folder, ...(attempt ? { attempt } : {}) }] });
