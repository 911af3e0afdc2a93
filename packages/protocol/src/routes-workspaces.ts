import { z } from 'zod';
import { ARCHIVE_LIMITS } from './archive.ts';
import { Checksum, PageQuery, pageOf } from './common.ts';
import { ConfigurationId, ResourceId, StateVersionId, VariableId } from './ids.ts';
import { route } from './route.ts';
import { StatePushQuery, StateRollback, StateVersion } from './state.ts';
import type { Permission } from './words.ts';
import { Configuration, ConfigurationCreate, LockRequest, Resource, ResourceCreate, ResourceUpdate, Variable, VariableCreate, VariableUpdate, Workspace, WorkspaceCreate, WorkspaceUpdate } from './workspace.ts';

const user = <P extends Permission>(permission: P) => ({ who: 'user', permission }) as const;
/** `:workspace_id` takes the id or the name. */
const inWorkspace = z.object({ workspace_id: z.string().min(1).max(128) });
const variable = inWorkspace.extend({ variable_id: VariableId });
const configuration = inWorkspace.extend({ configuration_id: ConfigurationId });
const resource = inWorkspace.extend({ resource_id: ResourceId });
const stateVersion = z.object({ state_version_id: StateVersionId });
/** Largest state that a push accepts. */
export const MAX_STATE_BYTES = 256 * 1024 * 1024;

/** Workspaces and what belongs to them: variables, configurations, resources, state. */
export const workspaceRoutes = {
  listWorkspaces: route({ method: 'GET', path: '/workspaces', tag: 'workspaces', summary: 'Workspaces', access: user('workspace:read'), query: PageQuery.extend({ search: z.string().max(90).optional() }), answer: pageOf(Workspace) }),
  createWorkspace: route({ method: 'POST', path: '/workspaces', tag: 'workspaces', summary: 'Add a workspace', access: user('workspace:write'), body: WorkspaceCreate, answer: Workspace, status: 201, maxBodyBytes: 5_000_000 }),
  getWorkspace: route({ method: 'GET', path: '/workspaces/:workspace_id', tag: 'workspaces', summary: 'One workspace', access: user('workspace:read'), params: inWorkspace, answer: Workspace }),
  updateWorkspace: route({ method: 'PUT', path: '/workspaces/:workspace_id', tag: 'workspaces', summary: 'Change a workspace; fields not given stay', access: user('workspace:write'), params: inWorkspace, body: WorkspaceUpdate, answer: Workspace, maxBodyBytes: 5_000_000 }),
  deleteWorkspace: route({ method: 'DELETE', path: '/workspaces/:workspace_id', tag: 'workspaces', summary: 'Remove a workspace; refused while work runs, or while its state holds resources unless forced', access: user('workspace:write'), params: inWorkspace, query: z.object({ force: z.enum(['true', 'false']).default('false') }) }),
  lockWorkspace: route({ method: 'POST', path: '/workspaces/:workspace_id/lock', tag: 'workspaces', summary: 'Lock: nothing new starts; tasks wait and say so', access: user('workspace:lock'), params: inWorkspace, body: LockRequest, answer: Workspace }),
  unlockWorkspace: route({ method: 'POST', path: '/workspaces/:workspace_id/unlock', tag: 'workspaces', summary: 'Unlock', access: user('workspace:lock'), params: inWorkspace, answer: Workspace }),

  listVariables: route({ method: 'GET', path: '/workspaces/:workspace_id/variables', tag: 'variables', summary: 'Variables; sensitive values are null', access: user('variable:read'), params: inWorkspace, query: PageQuery, answer: pageOf(Variable) }),
  createVariable: route({ method: 'POST', path: '/workspaces/:workspace_id/variables', tag: 'variables', summary: 'Add a variable', access: user('variable:write'), params: inWorkspace, body: VariableCreate, answer: Variable, status: 201, maxBodyBytes: 5_000_000 }),
  updateVariable: route({ method: 'PUT', path: '/workspaces/:workspace_id/variables/:variable_id', tag: 'variables', summary: 'Change a variable; fields not given stay', access: user('variable:write'), params: variable, body: VariableUpdate, answer: Variable, maxBodyBytes: 5_000_000 }),
  deleteVariable: route({ method: 'DELETE', path: '/workspaces/:workspace_id/variables/:variable_id', tag: 'variables', summary: 'Remove a variable', access: user('variable:write'), params: variable }),

  listConfigurations: route({ method: 'GET', path: '/workspaces/:workspace_id/configurations', tag: 'configurations', summary: 'Configurations, newest first', access: user('configuration:read'), params: inWorkspace, query: PageQuery, answer: pageOf(Configuration) }),
  createConfiguration: route({ method: 'POST', path: '/workspaces/:workspace_id/configurations', tag: 'configurations', summary: 'Store inline files or tf_json as the newest configuration', access: user('configuration:write'), params: inWorkspace, body: ConfigurationCreate, answer: Configuration, status: 201, maxBodyBytes: 20_000_000 }),
  uploadConfiguration: route({ method: 'POST', path: '/workspaces/:workspace_id/configurations/archive', tag: 'configurations', summary: 'Store a .tar.gz of a folder as the newest configuration', access: user('configuration:write'), params: inWorkspace, query: z.object({ message: z.string().max(500).optional() }), headers: z.object({ 'x-content-sha256': Checksum }), rawBody: { maxBytes: ARCHIVE_LIMITS.maxArchiveBytes }, answer: Configuration, status: 201 }),
  downloadConfiguration: route({ method: 'GET', path: '/workspaces/:workspace_id/configurations/:configuration_id/archive', tag: 'configurations', summary: 'The stored archive', access: user('configuration:read'), params: configuration, rawAnswer: 'application/gzip' }),

  listResources: route({ method: 'GET', path: '/workspaces/:workspace_id/resources', tag: 'resources', summary: 'Fragments of code kept beside the configuration', access: user('configuration:read'), params: inWorkspace, query: PageQuery, answer: pageOf(Resource) }),
  createResource: route({ method: 'POST', path: '/workspaces/:workspace_id/resources', tag: 'resources', summary: 'Add a fragment', access: user('configuration:write'), params: inWorkspace, body: ResourceCreate, answer: Resource, status: 201, maxBodyBytes: 5_000_000 }),
  getResource: route({ method: 'GET', path: '/workspaces/:workspace_id/resources/:resource_id', tag: 'resources', summary: 'One fragment', access: user('configuration:read'), params: resource, query: z.object({ version: z.coerce.number().int().positive().optional() }), answer: Resource }),
  updateResource: route({ method: 'PUT', path: '/workspaces/:workspace_id/resources/:resource_id', tag: 'resources', summary: 'Change a fragment: a new version', access: user('configuration:write'), params: resource, body: ResourceUpdate, answer: Resource, maxBodyBytes: 5_000_000 }),
  deleteResource: route({ method: 'DELETE', path: '/workspaces/:workspace_id/resources/:resource_id', tag: 'resources', summary: 'Remove a fragment', access: user('configuration:write'), params: resource }),

  listStateVersions: route({ method: 'GET', path: '/workspaces/:workspace_id/state-versions', tag: 'state', summary: 'State versions, newest first', access: user('state:read'), params: inWorkspace, query: PageQuery, answer: pageOf(StateVersion) }),
  getStateVersion: route({ method: 'GET', path: '/state-versions/:state_version_id', tag: 'state', summary: 'One state version', access: user('state:read'), params: stateVersion, answer: StateVersion }),
  downloadStateVersion: route({ method: 'GET', path: '/state-versions/:state_version_id/content', tag: 'state', summary: 'Its bytes, exactly as Terraform wrote them', access: user('state:read'), params: stateVersion, rawAnswer: 'application/json' }),
  downloadState: route({ method: 'GET', path: '/workspaces/:workspace_id/state', tag: 'state', summary: "The current state's bytes; 404 when there is none", access: user('state:read'), params: inWorkspace, rawAnswer: 'application/json' }),
  pushState: route({ method: 'POST', path: '/workspaces/:workspace_id/state', tag: 'state', summary: 'Push a state as a new version; refused while an apply runs', access: user('state:write'), params: inWorkspace, query: StatePushQuery, headers: z.object({ 'x-content-sha256': Checksum }), rawBody: { maxBytes: MAX_STATE_BYTES }, answer: StateVersion, status: 201 }),
  rollbackState: route({ method: 'POST', path: '/workspaces/:workspace_id/state/rollback', tag: 'state', summary: 'Make an older version current again, as a new version', access: user('state:write'), params: inWorkspace, body: StateRollback, answer: StateVersion, status: 201 }),
};
