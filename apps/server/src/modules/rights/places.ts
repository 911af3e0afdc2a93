import type { OrganizationId, Place, WorkspaceId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';

/** The workspace that a call is about, among those of the organisation; undefined when there is none. */
export type FindWorkspace = (
  place: Exclude<Place, 'listed'>,
  organizationId: OrganizationId,
  id: string,
) => Promise<WorkspaceId | undefined>;

/** Asked only when rights on single workspaces decide: who may do it everywhere costs no look. */
export const createFindWorkspace =
  (db: Executor): FindWorkspace =>
  async (place, organizationId, id) => {
    const { rows } = await sql<{ id: WorkspaceId }>`${statementOf(place, organizationId, id)}`.execute(db);
    return rows[0]?.id;
  };

function statementOf(place: Exclude<Place, 'listed'>, organizationId: OrganizationId, id: string): RawBuilder<unknown> {
  switch (place) {
    case 'workspace':
    case 'body':
      return sql`${named('find_place_workspace')} SELECT id FROM workspaces
        WHERE organization_id = ${organizationId} AND deleted_at IS NULL AND (id = ${id} OR lower(name) = lower(${id}))
        ORDER BY id = ${id} DESC LIMIT 1`;
    case 'task':
      return sql`${named('find_place_task')} SELECT workspace_id AS id FROM tasks
        WHERE organization_id = ${organizationId} AND id = ${id}`;
    case 'state_version':
      return sql`${named('find_place_state_version')} SELECT workspace_id AS id FROM state_versions
        WHERE organization_id = ${organizationId} AND id = ${id}`;
    case 'grant':
      return sql`${named('find_place_grant')} SELECT workspace_id AS id FROM grants
        WHERE organization_id = ${organizationId} AND id = ${id}`;
  }
}
