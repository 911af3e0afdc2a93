import { newId } from '@groundcrew/kit';
import { Name, type Organization, type OrganizationId } from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError, notFound } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import * as store from './store.ts';

/** Name of the organisation that the first start makes. */
const FIRST_ORGANIZATION = 'default';

export interface OrganisationsDeps {
  db: Database;
  recordChange: RecordChange;
}

/** Organisations as the server's administrator keeps them; `by` says who, for the audit log. */
export function createOrganisationsService({ db, recordChange }: OrganisationsDeps) {
  async function get(id: OrganizationId): Promise<Organization> {
    const row = await store.findOrganization(db, id);
    if (row === undefined) throw notFound('organisation', id);
    return present(row);
  }

  /** By name or id. */
  async function getByName(name: string, executor: Executor = db): Promise<Organization> {
    const row = await store.findOrganizationByName(executor, name);
    if (row === undefined) throw notFound('organisation', name);
    return present(row);
  }

  /** Of the organisation of this name or id; of the first one when none is given. */
  async function getIdByName(name: string | undefined): Promise<OrganizationId> {
    if (name !== undefined) return (await getByName(name)).id;
    const row = await store.findFirstOrganization(db);
    if (row === undefined) throw notFound('organisation', 'at all');
    return row.id as OrganizationId;
  }

  /** The first organisation, made when there is none; for whoever holds the lock of the first start. */
  async function ensureFirst(tx: Executor): Promise<OrganizationId> {
    const row = await store.findFirstOrganization(tx);
    if (row !== undefined) return row.id as OrganizationId;
    const id = newId('org');
    await store.insertOrganization(tx, { id, name: FIRST_ORGANIZATION });
    return id as OrganizationId;
  }

  /** Errors: `invalid_request` for a name that is none, `conflict` for one that is taken. */
  async function create(name: string, by: string): Promise<Organization> {
    const checked = Name.safeParse(name);
    if (!checked.success)
      throw new AppError('invalid_request', `The name ${JSON.stringify(name)} ${checked.error.issues[0]?.message}.`);
    const id = newId('org') as OrganizationId;
    await transaction(db, async (tx) => {
      if ((await store.findOrganizationByName(tx, name)) !== undefined)
        throw new AppError(
          'conflict',
          `There is an organisation ${name} already. Its owner gets in by: groundcrew server org invite ${name}`,
        );
      await store.insertOrganization(tx, { id, name });
      await recordChange(tx, { ...changeOf({ id, name }, by), action: 'create', after: { name } });
    });
    return get(id);
  }

  /** Soft: everything stays, and no credential works any more. Errors: `conflict` while tasks of it have not ended. */
  async function remove(name: string, by: string): Promise<Organization> {
    return transaction(db, async (tx) => {
      const organization = await getByName(name, tx);
      await store.lockOrganization(tx, organization.id);
      const { open_tasks } = await store.countHoldings(tx, organization.id);
      if (open_tasks !== 0)
        throw new AppError(
          'conflict',
          `${open_tasks} tasks of ${organization.name} have not ended. Cancel or close them first.`,
        );
      if ((await store.findFirstOrganization(tx))?.id === organization.id)
        throw new AppError('conflict', `${organization.name} is the server's own organisation, whose agent it runs.`);
      await store.revokeCredentials(tx, organization.id);
      await store.markDeleted(tx, organization.id);
      await recordChange(tx, { ...changeOf(organization, by), action: 'delete', before: { name: organization.name } });
      return organization;
    });
  }

  async function show(name: string): Promise<{ organization: Organization; holds: Record<string, number> }> {
    const organization = await getByName(name);
    return { organization, holds: await store.countHoldings(db, organization.id) };
  }

  const list = async (): Promise<Organization[]> => (await store.listOrganizations(db)).map(present);

  return { get, getByName, getIdByName, ensureFirst, create, remove, show, list };
}

const changeOf = ({ id, name }: Pick<Organization, 'id' | 'name'>, by: string) =>
  ({
    caller: { kind: 'system', organizationId: id, name: by },
    noun: 'organization',
    subjectId: id,
    subjectName: name,
  }) as const;

const present = (row: store.OrganizationRow): Organization => ({
  id: row.id as OrganizationId,
  name: row.name,
  created_at: row.created_at.toISOString(),
});
