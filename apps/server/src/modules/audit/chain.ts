import { sha256Hex } from '@groundcrew/kit';
import { type AuditHead, CHAIN_START, hashedText, type OrganizationId, signedText } from '@groundcrew/protocol';
import type { EntryFields } from './change.ts';
import type { AuditKeys } from './keys.ts';
import type { StoredEntry } from './store.ts';

/** An entry that has no place in the chain yet. */
export interface UnsealedEntry extends StoredEntry {
  /** Null for what was written before there were stamps. */
  stamp: string | null;
}

/** Where an organisation's chain ends. */
export type Tip = Pick<AuditHead, 'position' | 'hash' | 'unstamped'>;
export const EMPTY_TIP: Tip = { position: 0, hash: CHAIN_START, unstamped: 0 };

export interface Link {
  organization_id: string;
  position: number;
  seq: number;
  hash: string;
  stamp: string | null;
}

/** What the hash covers, as it stands in an export. */
export const toHashed = (entry: StoredEntry, position: number, previous: string) => ({
  ...fieldsOf(entry),
  seq: entry.seq,
  at: entry.at.toISOString(),
  position,
  previous,
});

/** What the stamp covers: everything that the server said, without what the database added. */
const fieldsOf = (entry: EntryFields): EntryFields => ({
  organization_id: entry.organization_id,
  actor_kind: entry.actor_kind,
  actor_id: entry.actor_id,
  actor_name: entry.actor_name,
  credential_id: entry.credential_id,
  action: entry.action,
  noun: entry.noun,
  subject_id: entry.subject_id,
  subject_name: entry.subject_name,
  address: entry.address,
  user_agent: entry.user_agent,
  request_id: entry.request_id,
  before: entry.before,
  after: entry.after,
});

/** Whether the server wrote this row. Rows from before the stamps are believed only while nothing stamped stands in the chain. */
export function isGenuine(entry: UnsealedEntry, tip: Tip, keys: AuditKeys): boolean {
  if (entry.stamp === null) return tip.position === tip.unstamped;
  return keys.isStamp(fieldsOf(entry), entry.stamp);
}

/** Gives the entries of one organisation, in their order, the places after `tip`. Those that are not genuine get none. Pure. */
export function chainOn(tip: Tip, entries: readonly UnsealedEntry[], keys: AuditKeys) {
  const links: Link[] = [];
  const strays: UnsealedEntry[] = [];
  let end = tip;
  for (const entry of entries) {
    if (!isGenuine(entry, end, keys)) {
      strays.push(entry);
      continue;
    }
    const position = end.position + 1;
    const hash = sha256Hex(hashedText(toHashed(entry, position, end.hash)));
    links.push({ organization_id: entry.organization_id, position, seq: entry.seq, hash, stamp: entry.stamp });
    end = { position, hash, unstamped: entry.stamp === null ? position : end.unstamped };
  }
  return { links, strays, tip: end };
}

/** The tip, signed. */
export function signHead(organizationId: OrganizationId, tip: Tip, sealedAt: Date, keys: AuditKeys): AuditHead {
  const head = { organization_id: organizationId, ...tip, sealed_at: sealedAt.toISOString(), signature: '' };
  return { ...head, signature: keys.sign(signedText(head)) };
}
