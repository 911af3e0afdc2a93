import type { QueueRule } from '@groundcrew/protocol';
import type { Hindrance } from './choice.ts';
import type { Room, Snapshot, WaitingTask } from './snapshot.ts';

/** Limits of what runs at once on an organisation, a workspace and a pool, as a pass uses them up. */
export interface Limits {
  readonly find: (task: WaitingTask) => Hindrance | undefined;
  readonly take: (task: WaitingTask) => void;
}

/** One kind of limit, counted only where there is one. */
interface Count {
  readonly rule: QueueRule;
  readonly idOf: (task: WaitingTask) => string | null;
  readonly sentence: (id: string, running: number, most: number) => string;
  readonly rooms: ReadonlyMap<string, { running: number; most: number }>;
}

export function createLimits({ organizations, workspaces, pools }: Snapshot): Limits {
  const names = new Map<string, string>(pools.map(({ id, name }) => [id, name]));
  const runs = (running: number, most: number): string =>
    `runs ${running} of at most ${most} ${most === 1 ? 'task' : 'tasks'} at once`;
  const counts: Count[] = [
    {
      rule: 'organization_limit',
      idOf: ({ organizationId }) => organizationId,
      sentence: (_, running, most) => `The organisation ${runs(running, most)}.`,
      rooms: toRooms(organizations),
    },
    {
      rule: 'workspace_limit',
      idOf: ({ workspaceId }) => workspaceId,
      sentence: (_, running, most) => `The workspace ${runs(running, most)}.`,
      rooms: toRooms(workspaces.values()),
    },
    {
      rule: 'pool_limit',
      idOf: ({ poolId }) => poolId,
      sentence: (id, running, most) => `Pool ${names.get(id)} ${runs(running, most)}.`,
      rooms: toRooms(pools),
    },
  ];
  const counted = counts.filter(({ rooms }) => rooms.size > 0);
  return {
    find(task) {
      for (const { rule, idOf, sentence, rooms } of counted) {
        const id = idOf(task) ?? '';
        const room = rooms.get(id);
        if (room && room.running >= room.most) return { rule, sentence: sentence(id, room.running, room.most) };
      }
      return undefined;
    },
    take(task) {
      for (const { idOf, rooms } of counted) {
        const room = rooms.get(idOf(task) ?? '');
        if (room) room.running += 1;
      }
    },
  };
}

function toRooms(views: Iterable<Room & { readonly id: string }>): Map<string, { running: number; most: number }> {
  const rooms = new Map<string, { running: number; most: number }>();
  for (const { id, running, maxTasks } of views) if (maxTasks !== null) rooms.set(id, { running, most: maxTasks });
  return rooms;
}
