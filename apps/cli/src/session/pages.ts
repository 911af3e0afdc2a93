import type { Page } from '@groundcrew/protocol';

const LARGEST_PAGE = 200;

/** The first `limit` rows of a list, page after page. */
export async function collectPages<T>(
  limit: number,
  read: (query: { limit: number; cursor?: string }) => Promise<Page<T>>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await read({
      limit: Math.min(LARGEST_PAGE, limit - items.length),
      ...(cursor === undefined ? {} : { cursor }),
    });
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && items.length < limit);
  return items;
}
