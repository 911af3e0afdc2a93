import type { OrganizationId, WorkspaceId } from '@groundcrew/protocol';
import { createHeap, type Heap } from './heap.ts';
import { advance, compareLanes, createLane, createLongLane, type Lane } from './lane.ts';
import type { Snapshot, WaitingTask, WorkspaceView } from './snapshot.ts';

/** Every waiting task once, in the order in which they are served. */
export interface Line {
  /** The next one, with its workspace. Whether the one before was served has to be said first. */
  readonly next: () => { readonly task: WaitingTask; readonly workspace: WorkspaceView | undefined } | undefined;
  /** The task that came last was given an agent. */
  readonly serve: () => void;
}

/** An organisation during one pass. */
interface Tenant {
  /** Those that nothing has changed about, the first one last: sorting what came in order costs next to nothing. */
  readonly lanes: Lane[];
  /** Those that came back with their next task. */
  readonly again: Heap<Lane>;
  given: number;
}

/**
 * Fair share, in two steps. Organisations have agents of their own, so what they share is the dispatcher: each is given one
 * agent before any is given the next. Within an organisation its workspaces take turns, see {@link Lane}.
 */
export function createLine(snapshot: Snapshot): Line {
  const tenants = createHeap(createTenants(snapshot), compareTenants);
  let tenant: Tenant | undefined;
  let lane: Lane | undefined;
  let served = false;

  function putBack(): void {
    if (tenant === undefined || lane === undefined) return;
    if (advance(lane, served, snapshot.now)) tenant.again.push(lane);
    if (served) tenant.given += 1;
    if (peek(tenant) !== undefined) tenants.push(tenant);
  }

  return {
    next() {
      putBack();
      served = false;
      tenant = tenants.pop();
      lane = tenant && take(tenant);
      return lane;
    },
    serve() {
      served = true;
    },
  };
}

function peek({ lanes, again }: Tenant): Lane | undefined {
  const [first, back] = [lanes.at(-1), again.peek()];
  if (first === undefined || back === undefined) return first ?? back;
  return compareLanes(first, back) <= 0 ? first : back;
}

function take(tenant: Tenant): Lane | undefined {
  const first = peek(tenant);
  return first === tenant.lanes.at(-1) ? tenant.lanes.pop() : tenant.again.pop();
}

function compareTenants(a: Tenant, b: Tenant): number {
  if (a.given !== b.given) return a.given - b.given;
  const [first, second] = [peek(a), peek(b)];
  if (first === undefined || second === undefined) return 0;
  return compareLanes(first, second);
}

function createTenants({ tasks, workspaces }: Snapshot): Tenant[] {
  const lanes = new Map<OrganizationId, Lane[]>();
  for (const [id, mine] of groupByWorkspace(tasks)) {
    const isLong = Array.isArray(mine);
    const first = isLong ? (mine[0] as WaitingTask) : mine;
    const lane = isLong ? createLongLane(mine, workspaces.get(id)) : createLane(mine, workspaces.get(id));
    const known = lanes.get(first.organizationId);
    if (known === undefined) lanes.set(first.organizationId, [lane]);
    else known.push(lane);
  }
  return [...lanes.values()].map((mine) => ({
    lanes: mine.sort(compareLanes).reverse(),
    again: createHeap<Lane>([], compareLanes),
    given: 0,
  }));
}

/** By workspace, without a list where there is one task. */
function groupByWorkspace(tasks: readonly WaitingTask[]): Map<WorkspaceId, WaitingTask | WaitingTask[]> {
  const groups = new Map<WorkspaceId, WaitingTask | WaitingTask[]>();
  for (const task of tasks) {
    const group = groups.get(task.workspaceId);
    if (group === undefined) groups.set(task.workspaceId, task);
    else if (Array.isArray(group)) group.push(task);
    else groups.set(task.workspaceId, [group, task]);
  }
  return groups;
}
