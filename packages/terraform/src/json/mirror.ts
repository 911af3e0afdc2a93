// Terraform says which parts of a value are sensitive or unknown in a map of the value's shape: `true` on a leaf or on all of
// a subtree, `false` or nothing elsewhere.

/** The part of such a map that belongs to one member of the value. */
export function markOf(map: unknown, key: string | number): unknown {
  if (typeof map !== 'object' || map === null || !Object.hasOwn(map, key)) return undefined;
  return (map as Record<string | number, unknown>)[key];
}

/** True when anything in the map is marked. */
export function isMarked(map: unknown): boolean {
  if (typeof map !== 'object' || map === null) return map === true;
  return Object.values(map).some(isMarked);
}
