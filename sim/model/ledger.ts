import { isTerminal } from '@groundcrew/protocol';
import type { Attempt, Task } from '@groundcrew/server/lifecycle';
import { type Folder, nameOf, writtenMark } from './folder.ts';
import type { System } from './system.ts';

/** What must be true of server and far sides together: the ledger that the modelled Terraforms keep. */
export interface LedgerRule {
  readonly name: string;
  readonly broken: (system: System) => string | undefined;
}

const attemptOf = ({ world }: System, { attemptId }: Folder): Attempt | undefined =>
  world.attempts.find(({ id }) => id === attemptId);
const taskOf = ({ world }: System, { taskId }: Folder): Task | undefined => world.tasks.find(({ id }) => id === taskId);
/** A person said, without proof, that it is over. */
const wasClosed = (system: System, folder: Folder): boolean => attemptOf(system, folder)?.outcome === 'closed';

/** Whose Terraform had its lock, and so may have changed something. */
const appliers = ({ folders }: System): readonly Folder[] => folders.filter(({ acted }) => acted);

function findFolder(folders: readonly Folder[], broken: (folder: Folder) => string | undefined): string | undefined {
  for (const folder of folders) {
    const found = broken(folder);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** After a restore the database may know nothing of what happened since; then a person decides, and only the first rule is meant for it. */
const unlessRestored =
  (broken: (system: System) => string | undefined): LedgerRule['broken'] =>
  (system) =>
    system.restored ? undefined : broken(system);

export const LEDGER: readonly LedgerRule[] = [
  {
    name: 'two Terraforms never change things at once, unless a person closed the first without proof',
    broken: unlessRestored((system) => {
      const acting = appliers(system).filter((folder) => folder.terraform === 'acting' && !wasClosed(system, folder));
      return acting.length > 1 ? `${acting.map(nameOf).join(' and ')} act at once` : undefined;
    }),
  },
  {
    name: 'what was approved once is applied once',
    broken: unlessRestored((system) => {
      const tasks = appliers(system).map(({ taskId }) => taskId);
      const twice = tasks.find((taskId, index) => tasks.indexOf(taskId) !== index);
      return twice === undefined ? undefined : `${twice} was applied twice`;
    }),
  },
  {
    name: 'no Terraform has its lock without a used permit',
    broken: unlessRestored((system) =>
      findFolder(appliers(system), (folder) => {
        const permit = attemptOf(system, folder)?.permit;
        return permit === 'used' ? undefined : `${nameOf(folder)} has its lock, its permit is ${permit}`;
      }),
    ),
  },
  {
    name: 'no task has ended while its Terraform changes things, unless a person closed it',
    broken: unlessRestored((system) =>
      findFolder(appliers(system), (folder) => {
        const task = taskOf(system, folder);
        const lies = folder.terraform === 'acting' && task && isTerminal(task.status) && !wasClosed(system, folder);
        return lies ? `${task.id} is ${task.status} while ${nameOf(folder)} acts` : undefined;
      }),
    ),
  },
  {
    name: 'no apply has ended without the last state that its Terraform wrote, unless a person closed it',
    broken: unlessRestored((system) =>
      findFolder(appliers(system), (folder) => {
        const attempt = attemptOf(system, folder);
        if (attempt?.state !== 'ended' || attempt.outcome === 'closed' || folder.written === 0) return undefined;
        const { checksum } = writtenMark(folder, folder.written);
        const kept = attempt.states.some(
          (s) => s.checksum === checksum && (s.standing === 'current' || s.standing === 'past'),
        );
        return kept ? undefined : `${nameOf(folder)} wrote ${checksum}, and ${folder.attemptId} ended without it`;
      }),
    ),
  },
  {
    name: 'applied means that Terraform said so',
    broken: unlessRestored((system) => {
      const applied = system.world.tasks.filter(({ status }) => status === 'applied');
      const lie = applied.find(
        ({ id }) => !appliers(system).some((folder) => folder.taskId === id && folder.exit === 'well'),
      );
      return lie && `${lie.id} is applied, and no Terraform ended well`;
    }),
  },
  {
    name: 'a database that was restored does not let an apply start beside one it knows of',
    broken: (system) => {
      if (!system.restored) return undefined;
      const acting = appliers(system).filter((folder) => folder.terraform === 'acting');
      const known = acting.filter(
        (folder) => attemptOf(system, folder)?.permit === 'used' && !wasClosed(system, folder),
      );
      return known.length > 1 ? `${known.map(nameOf).join(' and ')} act at once` : undefined;
    },
  },
];
