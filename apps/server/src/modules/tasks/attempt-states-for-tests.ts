import { newId, newSecret, sha256Hex } from '@groundcrew/kit';
import {
  acceptOffer,
  beginApply,
  exitRecord,
  finishPlan,
  type LiveServer,
  makeBoundlessAgent,
  makeState,
  makeTask,
  makeWorkspace,
  markOf,
  NONCE,
  postState,
  storePlan,
  type TestAgent,
  type TestAttempt,
} from './live-server-for-tests.ts';

/** Where the attempts of one tenant are made. */
export interface Ground {
  server: LiveServer;
  agent: TestAgent;
  poolId: string;
}

/** A tenant with a pool and an agent that never counts as gone, on a server whose loops stand still. */
export async function prepareGround(server: LiveServer): Promise<Ground> {
  const { agent, poolId } = await makeBoundlessAgent(server);
  const last_pull_at = new Date(Date.UTC(2100, 0));
  await server.db.updateTable('agents').set({ last_pull_at }).where('id', '=', agent.id).execute();
  return { server, agent, poolId };
}

/** Somebody else on the same server. */
export async function prepareForeignGround(server: LiveServer): Promise<Ground> {
  const [organization, user] = [newId('org'), newId('user')];
  const owner = `gct_${newSecret()}`;
  const of = { organization_id: organization };
  await server.db.insertInto('organizations').values({ id: organization, name: organization }).execute();
  await server.db
    .insertInto('users')
    .values({ id: user, name: 'foreigner', role: 'owner', ...of })
    .execute();
  const token = { id: newId('tok'), user_id: user, name: 'test', kind: 'api', token_hash: sha256Hex(owner), ...of };
  await server.db.insertInto('api_tokens').values(token).execute();
  return prepareGround({ ...server, owner });
}

/** An attempt in a state, after an earlier one of the same task that was handed back. */
export interface StagedAttempt {
  attempt: TestAttempt;
  old: TestAttempt;
  workspaceId: string;
  /** Of the plan the attempt has or will have. */
  planChecksum: string;
}

/** Handed back at once, so that every task here has had an attempt before. */
async function beginTwice({ server, agent, poolId }: Ground, given: Record<string, unknown>): Promise<StagedAttempt> {
  const { workspace_id } = await makeWorkspace(server, poolId);
  const task = await makeTask(server, workspace_id, { task_type: 'plan_and_apply', auto_approve: true, ...given });
  const old = await acceptOffer(server, agent, task.id);
  await old.must('returnAttempt', { body: { reason: 'the disk is full' } });
  await server.db.updateTable('tasks').set({ passed_over: '[]' }).where('id', '=', task.id).execute();
  await server.modules.tasks.dispatcher.pass();
  const attempt = await acceptOffer(server, agent, task.id);
  return { attempt, old, workspaceId: workspace_id, planChecksum: sha256Hex(`plan file of ${attempt.id}`) };
}

const STATE = makeState(1);
const LATER_STATE = makeState(2);

export type StateName =
  | 'running'
  | 'plan_stored'
  | 'approved'
  | 'permit'
  | 'permit_used'
  | 'state_stored'
  | 'exited'
  | 'interrupted'
  | 'plan_ended'
  | 'applied'
  | 'cancelled';

/** Every state that an attempt with a credential can be in, in the order of its life. */
export const STATES: Record<StateName, (ground: Ground) => Promise<StagedAttempt>> = {
  running: (ground) => beginTwice(ground, {}),
  plan_stored: async (ground) => {
    const staged = await beginTwice(ground, { auto_approve: false });
    await storePlan(staged.attempt);
    return staged;
  },
  approved: async (ground) => {
    const staged = await beginTwice(ground, {});
    await storePlan(staged.attempt);
    return staged;
  },
  permit: async (ground) => {
    const staged = await STATES.approved(ground);
    await staged.attempt.must('askPermit', { body: { nonce: NONCE, plan_checksum: staged.planChecksum } });
    return staged;
  },
  permit_used: async (ground) => {
    const staged = await STATES.approved(ground);
    await beginApply(staged.attempt, staged.planChecksum);
    return staged;
  },
  state_stored: async (ground) => {
    const staged = await STATES.permit_used(ground);
    await postState(staged.attempt, STATE);
    return staged;
  },
  exited: async (ground) => {
    const staged = await STATES.state_stored(ground);
    await staged.attempt.must('finishAttempt', { body: exitRecord({ last_state: markOf(LATER_STATE) }) });
    return staged;
  },
  interrupted: async (ground) => {
    const staged = await STATES.state_stored(ground);
    await staged.attempt.must('finishAttempt', { body: exitRecord({ result: 'interrupted', exit_code: null }) });
    return staged;
  },
  plan_ended: async (ground) => {
    const staged = await STATES.plan_stored(ground);
    await finishPlan(staged.attempt, staged.planChecksum);
    return staged;
  },
  applied: async (ground) => {
    const staged = await STATES.state_stored(ground);
    await staged.attempt.must('finishAttempt', { body: exitRecord({ last_state: markOf(STATE) }) });
    return staged;
  },
  cancelled: async (ground) => {
    const staged = await STATES.running(ground);
    await ground.server.must('cancelTask', ground.server.owner, {
      params: { task_id: staged.attempt.taskId },
      body: { level: 1 },
    });
    await staged.attempt.must('finishAttempt', { body: exitRecord({ result: 'cancelled', exit_code: null }) });
    return staged;
  },
};
