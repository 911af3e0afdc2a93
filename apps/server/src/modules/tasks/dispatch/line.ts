import type { OrganizationId, WorkspaceId } from '@groundcrew/protocol';
import { createHeap, type Heap } from './heap.ts';
import { advance, createLane, isLaneBefore, type Lane } from './lane.ts';
import type { Snapshot, WaitingTask } from './snapshot.ts';

/** Every waiting task once, in the order in which they are served. */
export interface Line {
  /** The next one. Whether the one before was served has to be said first. */
  readonly next: () => WaitingTask | undefined;
  /** The task that came last was given an agent. */
  readonly serve: () => void;
}

/** An organisation during one pass. */
interface Tenant {
  readonly lanes: Heap<Lane>;
  given: number;
}

/**
 * Fair share, in two steps. Organisations have agents of their own, so what they share is the dispatcher: each is given one
 * agent before any is given the next. Within an organisation its workspaces take turns, see {@link Lane}.
 */
export function createLine(snapshot: Snapshot): Line {
  const tenants = createHeap(createTenants(snapshot), isTenantBefore);
  let last: { tenant: Tenant; lane: Lane; served: boolean } | undefined;

  function putBack(): void {
    if (last === undefined) return;
    const { tenant, lane, served } = last;
    advance(lane, served, snapshot.now);
    if (lane.next < lane.tasks.length) tenant.lanes.push(lane);
    if (served) tenant.given += 1;
    if (tenant.lanes.peek() !== undefined) tenants.push(tenant);
  }

  return {
    next() {
      putBack();
      const tenant = tenants.pop();
      const lane = tenant?.lanes.pop();
      last = tenant && lane && { tenant, lane, served: false };
      return lane?.tasks[lane.next];
    },
    serve() {
      if (last !== undefined) last.served = true;
    },
  };
}

function isTenantBefore(a: Tenant, b: Tenant): boolean {
  if (a.given !== b.given) return a.given < b.given;
  const [first, second] = [a.lanes.peek(), b.lanes.peek()];
  return first !== undefined && (second === undefined || isLaneBefore(first, second));
}

function createTenants({ tasks, workspaces }: Snapshot): Tenant[] {
  const lanes = new Map<OrganizationId, Lane[]>();
  for (const [id, mine] of groupByWorkspace(tasks)) {
    const organizationId = (mine[0] as WaitingTask).organizationId;
    const known = lanes.get(organizationId);
    const lane = createLane(mine, workspaces.get(id));
    if (known === undefined) lanes.set(organizationId, [lane]);
    else known.push(lane);
  }
  return [...lanes.values()].map((mine) => ({ lanes: createHeap(mine, isLaneBefore), given: 0 }));
}

function groupByWorkspace(tasks: readonly WaitingTask[]): Map<WorkspaceId, WaitingTask[]> {
  const groups = new Map<WorkspaceId, WaitingTask[]>();
  for (const task of tasks) {
    const group = groups.get(task.workspaceId);
    if (group === undefined) groups.set(task.workspaceId, [task]);
    else group.push(task);
  }
  return groups;
}
