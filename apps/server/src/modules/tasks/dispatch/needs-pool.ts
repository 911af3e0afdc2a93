import type { Needs } from './snapshot.ts';
import type { WorkspaceRow } from './snapshot-store.ts';

/** So that needs which nobody has any more do not pile up. */
const MOST_NEEDS = 20_000;

/** Gives the same object for the same needs: by it the choice tells that it has looked for such an agent before. */
export function createNeedsPool(): (workspace: WorkspaceRow, secrets: boolean) => Needs {
  const known = new Map<string, Needs>();
  let ofRow = new WeakMap<WorkspaceRow, Needs>();
  return (workspace, secrets) => {
    const remembered = ofRow.get(workspace);
    if (remembered?.secrets === secrets) return remembered;
    const needs = toNeeds(workspace, secrets);
    const key = JSON.stringify(needs);
    const same = known.get(key) ?? needs;
    if (known.size >= MOST_NEEDS) {
      known.clear();
      ofRow = new WeakMap();
    }
    known.set(key, same);
    ofRow.set(workspace, same);
    return same;
  };
}

const toNeeds = (row: WorkspaceRow, secrets: boolean): Needs => ({
  tool: row.tool,
  version: row.terraform_version,
  providers: row.providers ?? [],
  labels: row.labels,
  preferredLabels: row.preferred_labels,
  secrets,
});
