import { type Crew, type CrewFolder, type CrewStep, changeFolder, dropFolder, findFolder } from './crew.ts';
import type { CrewEffect } from './effects.ts';
import type { CrewEventOf } from './events.ts';
import { heldOf } from './held-attempt.ts';
import { greet } from './on-runner.ts';
import { addNew, FILL_AFTER_TAKING_MS, fillSpares } from './on-spares.ts';
import { decideOffer } from './slots.ts';

/** Takes an offer with a spare, or with a new folder when there is none: an offer lasts seconds only, so no runner is waited for. */
export function onOffer(crew: Crew, { order }: CrewEventOf<'offer'>): CrewStep {
  const choice = decideOffer(crew, order);
  if (choice.do === 'known') return { crew, effects: [] };
  if (choice.do === 'reject') return { crew, effects: [{ do: 'reject', order, reason: choice.reason }] };
  const spare = crew.folders.find(({ use }) => use === 'spare');
  const fresh = spare === undefined ? addNew(crew) : undefined;
  const name = spare?.name ?? fresh?.name ?? '';
  const taking = changeFolder(fresh?.crew ?? crew, name, { use: 'taking', attempt: heldOf(order), order });
  const effects: CrewEffect[] = [];
  if (fresh !== undefined) effects.push({ do: 'make_folder', folder: name });
  if (spare?.made === true) effects.push({ do: 'accept', folder: name, order });
  return { crew: { ...taking, spareLosses: 0 }, effects };
}

export function onFolderMade(crew: Crew, { folder: name }: CrewEventOf<'folder_made'>): CrewStep {
  const folder = findFolder(crew, name);
  if (folder === undefined) return { crew, effects: [{ do: 'remove_folder', folder: name }] };
  const effects: CrewEffect[] = [{ do: 'start_runner', folder: name }];
  const isSpareOfNobody = folder.use === 'spare' && crew.mode !== 'serving';
  if (isSpareOfNobody || folder.use === 'leaving')
    return { crew: dropFolder(crew, name), effects: [{ do: 'remove_folder', folder: name }] };
  if (folder.use === 'taking' && folder.order) effects.push({ do: 'accept', folder: name, order: folder.order });
  return { crew: changeFolder(crew, name, { made: true }), effects };
}

/** No folder, or none that can be written to: the offer goes back at once. */
export function onFolderFailed(crew: Crew, { folder: name }: CrewEventOf<'folder_failed'>): CrewStep {
  const folder = findFolder(crew, name);
  if (folder === undefined) return { crew, effects: [{ do: 'remove_folder', folder: name }] };
  const away = sendAway(crew, folder, 'error', 'the folder of a runner could not be made or written to');
  if (folder.order === undefined) return away;
  return { crew: away.crew, effects: [{ do: 'reject', order: folder.order, reason: NO_FOLDER }, ...away.effects] };
}

const NO_FOLDER = 'the agent could not make a folder for it; see its log';

/** What the server has accepted is run; what it refused leaves no trace. */
export function onAcceptAnswered(crew: Crew, { folder: name, refusal }: CrewEventOf<'accept_answered'>): CrewStep {
  const folder = findFolder(crew, name);
  if (folder?.use !== 'taking' || folder.order === undefined) return { crew, effects: [] };
  if (refusal !== undefined) {
    const away = sendAway(crew, folder, 'info', `the server did not take the accept: ${refusal}`);
    const filled = fillSpares(away.crew);
    return { crew: filled.crew, effects: [...away.effects, ...filled.effects] };
  }
  const effects: CrewEffect[] = [
    { do: 'write_task', folder: name, order: folder.order },
    { do: 'fill_later', afterMs: FILL_AFTER_TAKING_MS },
  ];
  return { crew: changeFolder(crew, name, { use: 'attempt' }), effects };
}

/** The folder is of no use any more; it goes with its runner, or at once when there is none. */
function sendAway(crew: Crew, folder: CrewFolder, level: 'info' | 'error', sentence: string): CrewStep {
  const { name, runner, made, attempt } = folder;
  const said: CrewEffect = { do: 'say', level, sentence, folder: name, ...(attempt ? { attempt } : {}) };
  const isEmpty = runner === 'none' || !made;
  if (isEmpty) return { crew: dropFolder(crew, name), effects: [said, { do: 'remove_folder', folder: name }] };
  const leave: CrewEffect[] = runner === 'attached' ? [{ do: 'send', folder: name, message: { type: 'leave' } }] : [];
  return { crew: changeFolder(crew, name, LEAVING), effects: [said, ...leave] };
}

const LEAVING = { use: 'leaving', attempt: undefined, order: undefined } as const;

/** From here on the folder is the attempt's: a runner that is not up yet finds its task there, one that died gets a successor. */
export function onTaskWritten(crew: Crew, { folder: name }: CrewEventOf<'task_written'>): CrewStep {
  const folder = findFolder(crew, name);
  if (folder?.use !== 'attempt' || folder.order === undefined) return { crew, effects: [] };
  const written = changeFolder(crew, name, { order: undefined });
  if (folder.runner === 'none')
    return {
      crew: changeFolder(written, name, { runner: 'coming' }),
      effects: [{ do: 'look', folder: name, afterMs: 0 }],
    };
  if (folder.runner === 'coming') return { crew: written, effects: [] };
  return { crew: written, effects: [{ do: 'assign', folder: name, order: folder.order }, ...greet(crew, folder)] };
}

/** The disk took no task: nobody runs it here, and silence gives it back to the queue. */
export function onTaskFailed(crew: Crew, { folder: name }: CrewEventOf<'task_failed'>): CrewStep {
  const folder = findFolder(crew, name);
  if (folder?.use !== 'attempt') return { crew, effects: [] };
  return sendAway(
    crew,
    folder,
    'error',
    'the task could not be written into its folder; the server will queue it again',
  );
}
