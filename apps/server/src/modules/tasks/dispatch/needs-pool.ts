import type { Needs } from './snapshot.ts';
import type { WorkspaceRow } from './snapshot-store.ts';

/** So that needs which nobody has any more do not pile up. */
const MOST_NEEDS = 20_000;

/** @param used what an agent found the task's configuration to use; null while only the workspace's own words are known */
type FindNeeds = (workspace: WorkspaceRow, secrets: boolean, used: readonly string[] | null) => Needs;

/** Gives the same object for the same needs: by it the choice tells that it has looked for such an agent before. */
export function createNeedsPool(): FindNeeds {
  const known = new Map<string, Needs>();
  let ofRow = new WeakMap<WorkspaceRow, Needs>();
  return (workspace, secrets, used) => {
    const remembered = used === null ? ofRow.get(workspace) : undefined;
    if (remembered?.secrets === secrets) return remembered;
    const needs = toNeeds(workspace, secrets, used);
    const key = JSON.stringify(needs);
    const same = known.get(key) ?? needs;
    if (known.size >= MOST_NEEDS) {
      known.clear();
      ofRow = new WeakMap();
    }
    known.set(key, same);
    if (used === null) ofRow.set(workspace, same);
    return same;
  };
}

const toNeeds = (row: WorkspaceRow, secrets: boolean, used: readonly string[] | null): Needs => ({
  tool: row.tool,
  version: row.terraform_version,
  providers: used ?? row.providers ?? [],
  labels: row.labels,
  preferredLabels: row.preferred_labels,
  secrets,
});
