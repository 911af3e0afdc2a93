import { createLatch, newId, newSecret, sha256Hex } from '@groundcrew/kit';
import type {
  Agent,
  AgentCreate,
  AgentId,
  AgentTokenCreate,
  AgentUpdate,
  AgentWithToken,
  OrganizationId,
  Page,
  PoolId,
  Pull,
  PullAnswer,
  TaskId,
} from '@groundcrew/protocol';
import type { Bus } from '../../platform/bus/index.ts';
import { type Database, transaction } from '../../platform/database/index.ts';
import { type AgentCaller, AppError, decodeCursor, toPage, type UserCaller } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { agentChannel } from './control-socket.ts';
import * as credentials from './credentials-store.ts';
import { presentAgent } from './present.ts';
import type { Sessions } from './sessions.ts';
import * as store from './store.ts';

export interface AgentsDeps {
  db: Database;
  bus: Bus;
  sessions: Sessions;
  recordChange: RecordChange;
  /** Throws not-found unless the pool is the organisation's. */
  getPool: (organizationId: OrganizationId, id: PoolId) => Promise<unknown>;
  /** Attempts of a revoked agent that have no permit go back to the queue. */
  agentRevoked: (taskId: TaskId) => Promise<void>;
  /** Everything a pulled offer says that is not secret. */
  describeOffer: (agent: AgentCaller, offer: store.OfferRow) => Promise<PullAnswer>;
  markSent: (offers: readonly store.OfferRow[]) => void;
  wakeDispatcher: () => void;
  /** Unanswered offers that make an agent suspect. */
  suspectFrom: number;
}

const DAY_MS = 86_400_000;
/** Tells that an agent may have lost what it signed on with. */
export const CREDENTIALS = 'agent-credentials';

/** Agents as administrators see them, and pulling work. */
export function createAgentsService(deps: AgentsDeps) {
  const { db, bus, recordChange } = deps;

  async function find(caller: { organizationId: OrganizationId }, id: string): Promise<store.AgentRow> {
    const agent = await store.findAgent(db, caller.organizationId, id);
    if (agent === undefined)
      throw new AppError('not_found', `There is no agent ${id}; "groundcrew agent list" shows those there are.`);
    return agent;
  }

  const present = (row: store.AgentRow): Agent => presentAgent(row, deps.suspectFrom);
  const get = async (caller: UserCaller, id: string): Promise<Agent> => present(await find(caller, id));

  async function list(
    caller: UserCaller,
    query: { limit: number; cursor?: string | undefined; pool_id?: PoolId | undefined },
  ): Promise<Page<Agent>> {
    const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
    const rows = await store.listAgents(db, caller.organizationId, query.pool_id, after, query.limit + 1);
    return toPage(rows, query.limit, present, (row) => row.name);
  }

  async function refuseTaken(caller: UserCaller, agentId: string): Promise<void> {
    const known = await store.findAgent(db, caller.organizationId, agentId);
    if (known !== undefined)
      throw new AppError('name_taken', `Agent ${known.name} has the agent_id ${agentId} already; choose another.`);
  }

  async function create(caller: UserCaller, body: AgentCreate): Promise<AgentWithToken> {
    if (body.pool_id !== null) await deps.getPool(caller.organizationId, body.pool_id);
    if (body.agent_id !== undefined) await refuseTaken(caller, body.agent_id);
    const id = newId('agent') as AgentId;
    const token = `agt_${newSecret()}`;
    await transaction(db, async (tx) => {
      await store.insertAgent(tx, {
        id,
        organization_id: caller.organizationId,
        name: body.name,
        description: body.description,
        pool_id: body.pool_id,
        labels: JSON.stringify(body.labels),
        permissions: JSON.stringify(body.permissions),
        agent_id: body.agent_id ?? null,
        max_concurrent_tasks: allowedOf(body) ?? null,
        metadata: JSON.stringify(body.metadata),
        token_hash: sha256Hex(token),
        token_expires_at: new Date(Date.now() + body.token_expires_in_days * DAY_MS),
      });
      await recordChange(tx, {
        caller,
        action: 'create',
        noun: 'agent',
        subjectId: id,
        subjectName: body.name,
        after: { ...body },
      });
    });
    return { ...(await get(caller, id)), token };
  }

  async function update(caller: UserCaller, id: string, body: AgentUpdate): Promise<Agent> {
    const agent = await find(caller, id);
    if (body.pool_id) await deps.getPool(caller.organizationId, body.pool_id);
    const { labels, permissions, limits: _, metadata, ...plain } = body;
    const allowed = allowedOf(body);
    const changes = {
      ...plain,
      ...(labels && { labels: JSON.stringify(labels) }),
      ...(permissions && { permissions: JSON.stringify(permissions) }),
      ...(allowed !== undefined && { max_concurrent_tasks: allowed }),
      ...(metadata && { metadata: JSON.stringify(metadata) }),
    };
    await transaction(db, async (tx) => {
      await store.updateAgent(tx, agent.id, changes);
      await recordChange(tx, {
        caller,
        action: 'update',
        noun: 'agent',
        subjectId: agent.id,
        subjectName: agent.name,
        before: pick(agent, body),
        after: { ...body },
      });
    });
    if (body.draining === true)
      deps.sessions
        .find(agent.id)
        ?.send({ type: 'drain', payload: { reason: `${caller.name} asked the agent to drain` } });
    deps.wakeDispatcher();
    return get(caller, agent.id);
  }

  async function remove(caller: UserCaller, id: string, force: boolean): Promise<void> {
    const agent = await find(caller, id);
    await transaction(db, async (tx) => {
      const open = await store.lockAndCountOpen(tx, agent.id);
      if (open > 0 && !force)
        throw new AppError(
          'in_use',
          `Agent ${agent.name} has ${open} ${open === 1 ? 'attempt' : 'attempts'} under way; drain it and wait, or remove it with force.`,
        );
      await store.updateAgent(tx, agent.id, { deleted_at: new Date(), token_revoked_at: new Date(), pool_id: null });
      await recordChange(tx, {
        caller,
        action: 'delete',
        noun: 'agent',
        subjectId: agent.id,
        subjectName: agent.name,
        before: { name: agent.name, pool_id: agent.pool_id },
      });
    });
    await cutOff(agent.id);
  }

  /** A new token. The old one stops working at once, open sockets included, or after the overlap. */
  async function regenerateToken(caller: UserCaller, id: string, body: AgentTokenCreate): Promise<AgentWithToken> {
    const agent = await find(caller, id);
    const token = `agt_${newSecret()}`;
    await transaction(db, async (tx) => {
      await credentials.replaceToken(tx, agent.id, {
        hash: sha256Hex(token),
        expiresInDays: body.expires_in_days,
        overlapSeconds: body.overlap_seconds,
      });
      await recordChange(tx, {
        caller,
        action: 'regenerate_token',
        noun: 'agent',
        subjectId: agent.id,
        subjectName: agent.name,
        after: { ...body },
      });
    });
    recheck(agent.id);
    return { ...(await get(caller, agent.id)), token };
  }

  async function revokeToken(caller: UserCaller, id: string): Promise<Agent> {
    const agent = await find(caller, id);
    await transaction(db, async (tx) => {
      await store.updateAgent(tx, agent.id, {
        token_revoked_at: new Date(),
        previous_token_hash: null,
        previous_token_expires_at: null,
      });
      await recordChange(tx, {
        caller,
        action: 'revoke_token',
        noun: 'agent',
        subjectId: agent.id,
        subjectName: agent.name,
      });
    });
    await cutOff(agent.id);
    return get(caller, agent.id);
  }

  /** Whichever replica holds the agent's socket looks again whether it may stay. */
  const recheck = (id: AgentId): void => bus.publish(CREDENTIALS, id);

  /** Takes nothing from an apply that has its permit; the life cycle says which attempts go back to the queue. */
  async function cutOff(id: AgentId): Promise<void> {
    recheck(id);
    for (const { task_id } of await store.listOpenTasks(db, id)) await deps.agentRevoked(task_id);
    deps.wakeDispatcher();
  }

  /** Long poll: the offer that waits for this agent, or the next one within the time. An offer that was pulled before and not accepted comes again. */
  async function pull(agent: AgentCaller, body: Pull): Promise<PullAnswer | undefined> {
    const { signal } = agent.request;
    const latch = createLatch();
    const unsubscribe = bus.subscribe(agentChannel(agent.agentId), latch.wake, latch.wake);
    try {
      await store.notePull(db, agent.agentId);
      deps.wakeDispatcher();
      const deadline = Date.now() + body.wait_seconds * 1000;
      while (!signal.aborted) {
        const [offer] = await store.listOffers(db, agent.agentId, false);
        if (offer !== undefined) {
          deps.markSent([offer]);
          return await deps.describeOffer(agent, offer);
        }
        const left = deadline - Date.now();
        if (left <= 0) return undefined;
        await latch.next(Math.min(left, 2_000), signal);
      }
      return undefined;
    } finally {
      unsubscribe();
    }
  }

  return {
    find,
    get,
    list,
    create,
    update,
    remove,
    regenerateToken,
    revokeToken,
    pull,
    /** Every agent that signed on with this token of a pool. */
    async cutOffToken(tokenId: string): Promise<void> {
      for (const id of await credentials.listAgentsOfToken(db, tokenId)) await cutOff(id);
    },
    /** Offers that have not left the server. */
    countUnsent: async (id: AgentId): Promise<number> => (await store.listOffers(db, id, true)).length,
  };
}
export type AgentsService = ReturnType<typeof createAgentsService>;

/** What an administrator allows the agent; undefined when that is not said. */
const allowedOf = ({ max_concurrent_tasks, limits }: Pick<AgentUpdate, 'max_concurrent_tasks' | 'limits'>) =>
  max_concurrent_tasks === undefined ? limits?.max_concurrent_jobs : max_concurrent_tasks;

const pick = (row: object, keys: object) =>
  Object.fromEntries(Object.keys(keys).map((key) => [key, (row as Record<string, unknown>)[key]]));
