import { newId } from '@groundcrew/kit';
import type { RouteName } from '@groundcrew/protocol';
import {
  type Call,
  exitRecord,
  type LiveServer,
  logChunk,
  makeState,
  NONCE,
} from '../modules/tasks/live-server-for-tests.ts';
import {
  insertGrant,
  insertSession,
  insertToken,
  insertUser,
  type Organisation,
  type Place,
} from './world-for-tests.ts';

const CHECKSUM = '0'.repeat(64);
const bytes = (text: string) => ({
  body: Buffer.from(text),
  headers: { 'content-type': 'application/octet-stream', 'x-content-sha256': CHECKSUM, 'x-plan-sha256': CHECKSUM },
});

/**
 * A request for every route that is right in shape, names what there is, and does no harm: what it would remove is made for it.
 * A route without a line here is a mistake of types.
 */
export function createRequests(live: LiveServer, own: Organisation) {
  const { db, must } = live;
  const { owner } = own;
  const newUser = () => insertUser(db, own.id, 'viewer');
  const newAgent = async () => (await must('createAgent', owner, { body: { name: newId('a') } })).id;
  const newPool = async () => (await must('createPool', owner, { body: { name: newId('p') } })).id;
  const newClient = async () => (await must('createClient', owner, { body: { name: newId('c') } })).id;
  const user = async () => ({ user_id: await newUser() });
  const client = async () => ({ client_id: await newClient() });
  const agent = async () => ({ id: await newAgent() });
  const pool = { id: own.crew.pool.id };
  const beat = { agent_id: own.crew.agents[0]?.agentId };
  const inWorkspace = ({ workspaceId }: Place) => ({ workspace_id: workspaceId });
  const onTask = ({ taskId }: Place) => ({ task_id: taskId });
  const onState = ({ stateVersionId }: Place) => ({ state_version_id: stateVersionId });
  const newTask = async ({ workspaceId }: Place) => {
    const task = await must('createTask', owner, { body: { workspace_id: workspaceId, task_type: 'plan' } });
    return { task_id: task.id };
  };
  const newVariable = async (place: Place) => {
    const body = { key: newId('v').replace('-', '_'), value: '1' };
    const { id } = await must('createVariable', owner, { params: inWorkspace(place), body });
    return { ...inWorkspace(place), variable_id: id };
  };
  const newResource = async (place: Place) => {
    const body = { name: newId('r'), tf_code: 'locals {}' };
    const made = await must('createResource', owner, { params: inWorkspace(place), body });
    return { ...inWorkspace(place), resource_id: made.resource_id };
  };

  const requests: Record<RouteName, (place: Place) => Call | Promise<Call>> = {
    getInfo: () => ({}),
    getMe: () => ({}),
    getOrganization: () => ({}),
    listUsers: () => ({}),
    createUser: () => ({ body: { name: newId('n'), role: 'viewer' } }),
    getUser: async () => ({ params: await user() }),
    updateUser: async () => ({ params: await user(), body: {} }),
    deleteUser: async () => ({ params: await user() }),
    listAudit: () => ({}),
    exportAudit: () => ({}),
    verifyAudit: () => ({}),
    getAuditHead: () => ({}),
    getQueueSummary: () => ({}),
    getQueueLimits: () => ({}),
    updateQueueLimits: () => ({ body: { max_concurrent_tasks: null } }),

    getSignInMethods: () => ({}),
    signIn: () => ({ body: { sign_in_token: 'gcs_unknown' } }),
    startOidc: () => ({}),
    finishOidc: () => ({}),
    createSession: () => ({ body: { sign_in_token: 'gcs_unknown' } }),
    getSession: () => ({}),
    signOut: () => ({ body: {} }),
    listSessions: () => ({}),
    endSession: async () => {
      const id = newId('sess');
      await insertSession(db, own.id, await newUser(), id);
      return { params: { session_id: id } };
    },
    changePassword: () => ({ body: { new_password: 'long enough to be one' } }),

    listTokens: () => ({}),
    createToken: async () => ({ body: { name: 'x', user_id: await newUser() } }),
    revokeToken: async () => {
      const id = newId('tok');
      await insertToken(db, own.id, await newUser(), { id });
      return { params: { token_id: id } };
    },
    listGrants: () => ({}),
    createGrant: async (place) => ({ body: { ...inWorkspace(place), user_id: await newUser(), role: 'viewer' } }),
    revokeGrant: async ({ workspaceId }) => ({
      params: { grant_id: await insertGrant(db, own.id, { userId: await newUser(), workspaceId, role: 'viewer' }) },
    }),
    listClients: () => ({}),
    createClient: () => ({ body: { name: newId('c') } }),
    getClient: async () => ({ params: await client() }),
    updateClient: async () => ({ params: await client(), body: {} }),
    rotateClient: async () => ({ params: await client(), body: {} }),
    revokeClient: async () => ({ params: await client() }),

    listWorkspaces: () => ({}),
    createWorkspace: () => ({ body: { name: newId('w') } }),
    getWorkspace: (place) => ({ params: inWorkspace(place) }),
    updateWorkspace: (place) => ({ params: inWorkspace(place), body: { description: 'x' } }),
    // Its task is open, which keeps it.
    deleteWorkspace: (place) => ({ params: inWorkspace(place) }),
    lockWorkspace: (place) => ({ params: inWorkspace(place), body: {} }),
    unlockWorkspace: (place) => ({ params: inWorkspace(place) }),
    listVariables: (place) => ({ params: inWorkspace(place) }),
    createVariable: (place) => ({ params: inWorkspace(place), body: { key: 'kept', value: '1' } }),
    updateVariable: async (place) => ({ params: await newVariable(place), body: {} }),
    deleteVariable: async (place) => ({ params: await newVariable(place) }),
    listConfigurations: (place) => ({ params: inWorkspace(place) }),
    createConfiguration: (place) => ({ params: inWorkspace(place), body: { files: { 'main.tf': 'locals {}' } } }),
    uploadConfiguration: (place) => ({ params: inWorkspace(place), ...bytes('no archive') }),
    downloadConfiguration: (place) => ({
      params: { ...inWorkspace(place), configuration_id: place.configurationId },
    }),
    listResources: (place) => ({ params: inWorkspace(place) }),
    createResource: (place) => ({ params: inWorkspace(place), body: { name: 'kept', tf_code: 'locals {}' } }),
    getResource: (place) => ({ params: { ...inWorkspace(place), resource_id: place.resourceId } }),
    updateResource: async (place) => ({ params: await newResource(place), body: { type: 'x' } }),
    deleteResource: async (place) => ({ params: await newResource(place) }),
    listStateVersions: (place) => ({ params: inWorkspace(place) }),
    getStateVersion: (place) => ({ params: onState(place) }),
    downloadStateVersion: (place) => ({ params: onState(place) }),
    compareStateVersion: (place) => ({ params: onState(place) }),
    acceptStateVersion: (place) => ({ params: onState(place), body: { reason: 'x' } }),
    discardStateVersion: (place) => ({ params: onState(place), body: { reason: 'x' } }),
    downloadState: (place) => ({ params: inWorkspace(place) }),
    pushState: (place) => ({ params: inWorkspace(place), ...bytes('no state') }),
    rollbackState: (place) => ({ params: inWorkspace(place), body: { version: 1 } }),

    createTask: (place) => ({ body: { ...inWorkspace(place), task_type: 'plan' } }),
    listTasks: () => ({}),
    getTask: (place) => ({ params: onTask(place) }),
    getTaskStatus: (place) => ({ params: onTask(place) }),
    approveTask: (place) => ({ params: onTask(place), body: { plan_checksum: CHECKSUM } }),
    discardTask: (place) => ({ params: onTask(place), body: {} }),
    cancelTask: async (place) => ({ params: await newTask(place), body: {} }),
    closeTask: (place) => ({ params: onTask(place), body: { workspace: 'x', reason: 'x' } }),
    getPlan: (place) => ({ params: onTask(place) }),
    listAttempts: (place) => ({ params: onTask(place) }),
    listTaskEvents: (place) => ({ params: onTask(place) }),
    explainTask: (place) => ({ params: onTask(place) }),
    readLog: (place) => ({ params: onTask(place) }),
    listLogStreams: (place) => ({ params: onTask(place) }),

    listAgents: () => ({}),
    createAgent: () => ({ body: { name: newId('n') } }),
    getAgent: async () => ({ params: await agent() }),
    updateAgent: async () => ({ params: await agent(), body: {} }),
    deleteAgent: async () => ({ params: await agent() }),
    regenerateAgentToken: async () => ({ params: await agent(), body: {} }),
    revokeAgentToken: async () => ({ params: await agent() }),
    getAgentStatus: async () => ({ params: await agent() }),
    listAgentTasks: async () => ({ params: await agent() }),
    getCommandChannel: async () => ({ params: await agent() }),
    listPools: () => ({}),
    createPool: () => ({ body: { name: newId('n') } }),
    getPool: () => ({ params: pool }),
    updatePool: () => ({ params: pool, body: {} }),
    deletePool: async () => ({ params: { id: await newPool() } }),
    addPoolAgent: async () => ({ params: pool, body: { agent_id: await newAgent() } }),
    removePoolAgent: async () => {
      const id = await newAgent();
      await must('addPoolAgent', owner, { params: pool, body: { agent_id: id } });
      return { params: { ...pool, agent_id: id } };
    },
    listPoolTokens: () => ({ params: pool }),
    createPoolToken: () => ({ params: pool, body: {} }),
    rotatePoolToken: async () => ({
      params: { ...pool, token_id: (await must('createPoolToken', owner, { params: pool, body: {} })).id },
      body: {},
    }),
    revokePoolToken: async () => ({
      params: { ...pool, token_id: (await must('createPoolToken', owner, { params: pool, body: {} })).id },
    }),

    registerAgent: () => ({ body: { name: 'newcomer', agent_id: newId('newcomer'), machine_id: newId('m') } }),
    heartbeat: () => ({ params: { id: beat.agent_id ?? '' }, body: beat }),
    ping: () => ({ params: { id: beat.agent_id ?? '' }, body: beat }),
    pingByBody: () => ({ body: beat }),
    pullTask: () => ({ body: { wait_seconds: 0 } }),

    acceptAttempt: (place) => ({
      params: onTask(place),
      body: { attempt_id: place.attempt.id, secret_hash: CHECKSUM },
    }),
    rejectAttempt: (place) => ({ params: onTask(place), body: { attempt_id: place.attempt.id, reason: 'x' } }),
    getTaskData: (place) => ({ params: onTask(place) }),
    getTaskConfiguration: (place) => ({ params: onTask(place) }),
    getTaskPlanFile: (place) => ({ params: onTask(place) }),
    getTaskState: (place) => ({ params: onTask(place) }),
    renewAttempt: (place) => ({ params: onTask(place), body: {} }),
    returnAttempt: (place) => ({ params: onTask(place), body: { reason: 'x' } }),
    putPlanFile: (place) => ({ params: onTask(place), ...bytes('no plan') }),
    reportPlan: (place) => ({
      params: onTask(place),
      body: {
        details: {
          counts: { add: 1, change: 0, destroy: 0, replace: 0, import: 0 },
          has_changes: true,
          terraform_version: '1.11.4',
          resource_changes: [],
          output_changes: [],
        },
        plan_checksum: CHECKSUM,
        lineage: null,
        serial: null,
      },
    }),
    askPermit: (place) => ({ params: onTask(place), body: { nonce: NONCE, plan_checksum: CHECKSUM } }),
    lockState: (place) => ({ params: onTask(place), body: { nonce: NONCE, lock_id: 'x' } }),
    postState: (place) => ({ params: onTask(place), ...bytes(makeState(2).toString()) }),
    appendLog: (place) => ({ params: onTask(place), body: logChunk('plan', 0, 'x') }),
    putStatus: (place) => ({ params: onTask(place), body: { status: 'running' } }),
    finishAttempt: (place) => ({ params: onTask(place), body: exitRecord() }),
  };
  return requests;
}

/** These end the attempt that the others need. */
export const LAST: readonly RouteName[] = ['returnAttempt', 'finishAttempt'];
