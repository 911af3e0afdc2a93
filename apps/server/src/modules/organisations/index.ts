import { newId } from '@groundcrew/kit';
import type { Organization, OrganizationId } from '@groundcrew/protocol';
import type { Executor } from '../../platform/database/index.ts';
import { type Handlers, notFound } from '../../platform/http/index.ts';
import {
  findFirstOrganization,
  findOrganization,
  findOrganizationByName,
  insertOrganization,
  type OrganizationRow,
} from './store.ts';

/** Name of the organisation that the first start makes. */
const FIRST_ORGANIZATION = 'default';

/** Tenants: everything else belongs to one. */
export function createOrganisationsModule({ db }: { db: Executor }) {
  async function get(id: OrganizationId): Promise<Organization> {
    const row = await findOrganization(db, id);
    if (row === undefined) throw notFound('organisation', id);
    return present(row);
  }

  /** The first organisation, made when there is none; for whoever holds the lock of the first start. */
  async function ensureFirst(tx: Executor): Promise<OrganizationId> {
    const row = await findFirstOrganization(tx);
    if (row !== undefined) return row.id as OrganizationId;
    const id = newId('org');
    await insertOrganization(tx, { id, name: FIRST_ORGANIZATION });
    return id as OrganizationId;
  }

  /** The organisation of this name; the first one when none is given. */
  async function getIdByName(name: string | undefined): Promise<OrganizationId> {
    const row = name === undefined ? await findFirstOrganization(db) : await findOrganizationByName(db, name);
    if (row === undefined) throw notFound('organisation', name ?? 'at all');
    return row.id as OrganizationId;
  }

  const handlers = { getOrganization: ({ caller }) => get(caller.organizationId) } satisfies Partial<Handlers>;
  return { service: { get, getIdByName, ensureFirst }, handlers };
}

const present = (row: OrganizationRow): Organization => ({
  id: row.id as OrganizationId,
  name: row.name,
  created_at: row.created_at.toISOString(),
});
