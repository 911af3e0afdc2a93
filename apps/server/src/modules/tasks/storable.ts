/**
 * A copy that PostgreSQL can keep: it takes neither NUL nor half of a surrogate pair, and Terraform's output may hold both.
 * Whatever an attempt reports must be storable, or an exit record could be refused for ever for a character in a message.
 */
export function toStorable<T>(value: T): T {
  if (typeof value === 'string') return toStorableText(value) as T;
  if (Array.isArray(value)) return value.map(toStorable) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [toStorableText(key), toStorable(entry)])) as T;
}

const toStorableText = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD');
