import type { CompletedOperation } from '@groundcrew/terraform';

/** A resource as a state records it. */
export interface Recorded {
  address: string;
  id: string | null;
}

/**
 * What Terraform reported as done and the last state does not show: things that exist without being recorded, or are recorded
 * without existing. For people, after Terraform died in the middle. An update leaves no trace that could be compared.
 */
export function findUnrecorded(
  completed: readonly CompletedOperation[],
  recorded: Iterable<Recorded>,
): CompletedOperation[] {
  const ids = new Map<string, Set<string | null>>();
  for (const { address, id } of recorded) ids.set(address, (ids.get(address) ?? new Set()).add(id));
  const last = new Map(
    completed.filter(({ action }) => action !== 'update').map((operation) => [operation.address, operation]),
  );
  return [...last.values()].filter(({ address, action, id }) => {
    const known = ids.get(address);
    if (action === 'delete') return known?.has(id) ?? false;
    return known === undefined || !(id === null || known.has(id) || known.has(null));
  });
}
