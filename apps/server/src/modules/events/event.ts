import type { Event, Permission, WorkspaceId } from '@groundcrew/protocol';
import { mayOn, type Rights } from '../../platform/http/index.ts';

/** What kind of thing an event is about. */
export type EventNoun = Event['noun'];

/** A change on its way to whoever follows. Holds no secret: everybody who may read the noun sees it. */
export interface NewEvent {
  organizationId: string;
  noun: EventNoun;
  id: string;
  /** What happened, `created`, `lock`, …. */
  kind: string;
  workspaceId?: string | null | undefined;
  data?: unknown;
}

/** An event as stored. */
export interface StoredEvent {
  seq: number;
  at: Date;
  organizationId: string;
  noun: EventNoun;
  subjectId: string;
  kind: string;
  workspaceId: string | null;
  data: unknown;
}

/** What one must be allowed to read to follow events of a noun. */
const READ_PERMISSION: Readonly<Record<EventNoun, Permission>> = {
  task: 'task:read',
  workspace: 'workspace:read',
  agent: 'agent:read',
  pool: 'pool:read',
  state: 'state:read',
  configuration: 'configuration:read',
  variable: 'variable:read',
  host: 'agent:read',
  user: 'user:read',
  token: 'user:read',
  session: 'user:read',
  grant: 'grant:read',
  client: 'client:read',
  resource: 'configuration:read',
  organization: 'organization:read',
};

/** Whether somebody sees an event. */
export const isVisible = (event: StoredEvent, viewer: { organizationId: string; rights: Rights }): boolean =>
  event.organizationId === viewer.organizationId &&
  mayOn(viewer.rights, READ_PERMISSION[event.noun], event.workspaceId as WorkspaceId | null);

export const presentEvent = (event: StoredEvent): Event => ({
  seq: event.seq,
  at: event.at.toISOString(),
  noun: event.noun,
  id: event.subjectId,
  kind: event.kind,
  workspace_id: event.workspaceId,
  data: event.data,
});
