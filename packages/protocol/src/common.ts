import * as z from 'zod';

/** ISO 8601 in UTC with milliseconds. */
export const Time = z.iso.datetime({ precision: 3 });
/** SHA-256 in lower-case hex over the uncompressed bytes. */
export const Checksum = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex');
export const Seconds = z.number().nonnegative();

/** A name people choose: starts with a letter or digit, then letters, digits, `.`, `_`, `-`; at most 90 characters. */
export const Name = z
  .string()
  .min(1)
  .max(90)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    'must start with a letter or digit and hold only letters, digits, ".", "_" and "-"',
  );

/** Printable text without control characters other than line breaks and tabs. */
export const text = (max: number) =>
  z
    .string()
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point
    .regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/, 'must not hold control characters');

/** `key=value` or a bare word. */
export const Label = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*(=[A-Za-z0-9._/ -]*)?$/, 'must be a word or key=value');
/** Labels as a list, or as a map: `{"region":"idc1"}` is `["region=idc1"]`. */
export const LabelsInput = z
  .union([z.array(Label).max(64), z.record(z.string().max(63), z.string().max(63))])
  .transform((labels) => [...new Set(Array.isArray(labels) ? labels : Object.entries(labels).map(toLabel))])
  .pipe(z.array(Label).max(64));

const toLabel = ([key, value]: [string, string]): string => `${key}=${value}`;
/** How much sooner than others a task is served, from -10 to 10; each point counts as a minute of waiting. */
export const Priority = z.number().int().min(-10).max(10);
/** How many tasks may run at once. */
export const MaxConcurrentTasks = z.number().int().min(1).max(100_000);
/** How long a rotated token counts beside its successor: 0 (not at all) to 30 days. */
export const OverlapSeconds = z.number().int().min(0).max(2_592_000);

/** Free key-value data of the caller's own. */
export const Metadata = z
  .record(z.string().min(1).max(128), z.string().max(1024))
  .refine((m) => Object.keys(m).length <= 64, 'at most 64 entries');

/** Query of every list: `limit` rows after `cursor` (the `next_cursor` of the page before). */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(512).optional(),
});
export type PageQuery = z.infer<typeof PageQuery>;

/** A page of a list; `next_cursor` is null on the last one. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() });
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** Any JSON value. */
export const Json: z.ZodType<unknown> = z.unknown();
/** A yes or no in a query string. */
export const QueryFlag = z.enum(['true', 'false', '1', '0']).transform((v) => v === 'true' || v === '1');
export const Empty = z.object({});
