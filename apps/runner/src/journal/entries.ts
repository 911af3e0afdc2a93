import { Checksum, FinishRequest, Tool } from '@groundcrew/protocol';
import * as z from 'zod';

const At = z.string();

/**
 * What the runner writes down, one file each, in this order. `intent`, `permitted` and `finish` are on disk before the next
 * step; the rest only has to outlive the runner, because without the machine there is nothing to go on with.
 * The launcher writes beside them: `<command>.pid`, `<command>.exit`, and for the apply `fate`.
 */
export const JOURNAL_ENTRIES = {
  /** A runner began to work on the task. */
  begun: z.object({ at: At, version: z.string() }),
  /** Port of the state relay; Terraform knows it, so a successor listens there too. */
  relay: z.object({ port: z.number().int() }),
  /** The program that runs, and where. */
  prepared: z.object({ tool: Tool, version: z.string(), program: z.string(), cwd: z.string() }),
  /** The server has the plan; `proceed` says that it is to be applied by this attempt. */
  planned: z.object({ plan_checksum: Checksum, proceed: z.boolean(), operations: z.number().int() }),
  /** The permit is about to be asked for; asked again with the same nonce it is the same permit. */
  intent: z.object({ nonce: z.string(), plan_checksum: Checksum, at: At }),
  permitted: z.object({ epoch: z.number(), at: At }),
  /** Terraform's state lock, as Terraform described it; POST and UNLOCK must name it. */
  locked: z.object({ id: z.string(), info: z.string() }),
  /** What the first GET under that lock gave: the size of the state, null for none. */
  read: z.object({ size: z.number().int().nullable() }),
  /** A state was put into quarantine instead of becoming current. */
  quarantined: z.object({ checksum: Checksum, at: At }),
  /** The exit record, from now on only to be delivered. */
  finish: z.object({ record: FinishRequest, at: At }),
  /** The server has everything; nothing in the folder is needed any more. */
  confirmed: z.object({ at: At }),
} as const;

export type EntryName = keyof typeof JOURNAL_ENTRIES;
export type Entry<N extends EntryName> = z.output<(typeof JOURNAL_ENTRIES)[N]>;

/** Entries that must outlive the machine. */
export const DURABLE_ENTRIES: ReadonlySet<EntryName> = new Set(['intent', 'permitted', 'locked', 'finish']);

/** Reads an entry's file; undefined for one that was cut off or damaged, which counts as not written. */
export function findEntry<N extends EntryName>(name: N, content: string): Entry<N> | undefined {
  try {
    return JOURNAL_ENTRIES[name].parse(JSON.parse(content)) as Entry<N>;
  } catch {
    return undefined;
  }
}
