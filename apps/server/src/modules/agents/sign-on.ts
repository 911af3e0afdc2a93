import { type Clock, newId, sha256Hex } from '@groundcrew/kit';
import type { AgentId, OrganizationId, PoolId, Register, RegisterAnswer } from '@groundcrew/protocol';
import { jwtVerify, SignJWT } from 'jose';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { createGathering } from '../../platform/gathering/index.ts';
import {
  type AgentIdentity,
  AppError,
  type RegistrantCaller,
  type RegistrantIdentity,
} from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { findDoorObstacle, type PoolsService } from '../pools/index.ts';
import { HEARTBEAT_EVERY_SECONDS, isConnected, isOffline, isReachable, sameOrUnknown } from './agent.ts';
import * as credentials from './credentials-store.ts';
import { livenessOf } from './present.ts';
import * as store from './store.ts';

/** Life of an agent's JWT. It only saves a look at the long-lived token; every use still checks that nothing was revoked. */
const JWT_MINUTES = 15;
/** The only algorithm ever accepted, named at verification, so that a token cannot choose another. */
const ALGORITHM = 'HS256';
/** A revoked agent is told at once; what is asked here besides that can wait for company. */
const RECHECK_EVERY_MS = 200;

export interface SignOnDeps {
  db: Database;
  pools: PoolsService;
  recordChange: RecordChange;
  /** Key of the JWTs, derived from the installation's master key. */
  jwtKey: Uint8Array;
  serverVersion: string;
  clock: Clock;
}

/** How agents prove who they are: `agt_…` or `apt_…` at registration, a short-lived JWT afterwards. */
export function createSignOn({ db, pools, recordChange, jwtKey, serverVersion, clock }: SignOnDeps) {
  /** Asked with every ping of every socket. */
  const isStillSignedOn = createGathering<credentials.SignedOn, boolean>({
    keyOf: ({ id, via }) => `${id} ${via}`,
    everyMs: RECHECK_EVERY_MS,
    clock,
    async answerAll(agents) {
      const still = await credentials.listStillSignedOn(db, agents);
      return agents.map((_, place) => still.has(place));
    },
  });

  /** Who brings this token to register, or undefined. */
  async function findRegistrant(token: string): Promise<RegistrantIdentity | undefined> {
    if (token.startsWith('agt_')) {
      const hash = sha256Hex(token);
      const agent = await credentials.findByTokenHash(db, hash);
      return (
        agent && {
          kind: 'registrant',
          organizationId: agent.organization_id,
          agentId: agent.id,
          poolId: agent.pool_id,
          tokenId: null,
          via: credentials.viaOf(hash),
        }
      );
    }
    if (!token.startsWith('apt_')) return undefined;
    const used = await pools.tokens.use(sha256Hex(token));
    return (
      used && {
        kind: 'registrant',
        organizationId: used.organizationId,
        agentId: null,
        poolId: used.poolId,
        tokenId: used.tokenId,
      }
    );
  }

  /** Who calls with this JWT, or with `agt_…` itself (for agents of other makes), or undefined. */
  async function findSignedOn(token: string): Promise<credentials.SignedOn | undefined> {
    if (token.startsWith('agt_')) return credentials.findSignedOnByToken(db, sha256Hex(token));
    const claims = await readJwt(token);
    return claims && credentials.findSignedOn(db, claims.id, claims.via);
  }

  async function findAgentCaller(token: string): Promise<AgentIdentity | undefined> {
    const agent = await findSignedOn(token);
    return (
      agent && {
        kind: 'agent',
        organizationId: agent.organizationId,
        agentId: agent.id,
        agentName: agent.agentName,
        poolId: agent.poolId,
      }
    );
  }

  async function readJwt(token: string): Promise<{ id: AgentId; via: string } | undefined> {
    try {
      const { payload } = await jwtVerify(token, jwtKey, {
        algorithms: [ALGORITHM],
        issuer: 'groundcrew',
        audience: 'agent',
        requiredClaims: ['exp', 'sub', 'via'],
      });
      return { id: payload.sub as AgentId, via: String(payload.via) };
    } catch {
      return undefined;
    }
  }

  /** Signs an agent on. Known by `agent_id`: the same agent if it comes from the same machine, refused from another while the first lives. */
  async function register(caller: RegistrantCaller, body: Register): Promise<RegisterAnswer> {
    const signedOn = await transaction(db, async (tx) => {
      const agent = await findOwn(tx, caller, body);
      const poolId = agent?.pool_id ?? caller.poolId;
      if (poolId === null)
        throw new AppError(
          'not_admitted',
          `Agent ${body.agent_id} is in no pool; add it to one with "groundcrew pool" or the API before it signs on.`,
        );
      if (body.pool_id !== undefined && body.pool_id !== poolId)
        throw new AppError(
          'conflict',
          `The agent's configuration names pool ${body.pool_id}, but its token belongs to pool ${poolId}; take pool_id out of the configuration or use a token of that pool.`,
        );
      const via = caller.tokenId ?? caller.via ?? '';
      const id = agent === undefined ? await admit(tx, caller, poolId, body) : await update(tx, agent, caller, body);
      await store.noteHeard(tx, id, agent?.instance !== body.instance);
      await recordNewcomer(tx, caller, agent, { ...body, id, poolId });
      return { id, poolId, via };
    });
    return answer(signedOn, body);
  }

  /** An agent renews its token by registering, every few minutes; what counts is who came for the first time, or from elsewhere. */
  async function recordNewcomer(
    tx: Executor,
    caller: RegistrantCaller,
    known: store.AgentRow | undefined,
    { id, poolId, agent_id, machine_id }: Register & { id: AgentId; poolId: PoolId },
  ): Promise<void> {
    if (known?.agent_id === agent_id && known.machine_id === machine_id) return;
    await recordChange(tx, {
      caller,
      action: 'register',
      noun: 'agent',
      subjectId: id,
      subjectName: agent_id,
      before: known && { agent_id: known.agent_id, machine_id: known.machine_id },
      after: { agent_id, machine_id, pool_id: poolId },
    });
  }

  async function findOwn(
    tx: Executor,
    caller: RegistrantIdentity,
    body: Register,
  ): Promise<store.AgentRow | undefined> {
    const named = await store.findAgent(tx, caller.organizationId, body.agent_id);
    const own = caller.agentId === null ? named : await store.findAgent(tx, caller.organizationId, caller.agentId);
    if (caller.agentId !== null && named !== undefined && named.id !== caller.agentId)
      throw new AppError(
        'name_taken',
        `Another agent registered as ${body.agent_id} already; give this one another agent_id.`,
      );
    if (caller.agentId === null && own !== undefined) await refuseForeign(tx, own, caller);
    if (own !== undefined) refuseTwin(own, body);
    return own;
  }

  /** A pool's token opens its own agents only, or whoever holds one could act as any agent of the organisation. */
  async function refuseForeign(tx: Executor, own: store.AgentRow, caller: RegistrantIdentity): Promise<void> {
    if (isListed(own, caller)) return;
    if (own.pool_token_id === null)
      throw new AppError(
        'name_taken',
        `Agent ${own.agent_id} has a token of its own (agt_…); it cannot sign on with a pool's.`,
      );
    if (own.token_revoked_at !== null)
      throw new AppError('forbidden', `Agent ${own.agent_id} was revoked; remove it, or give it a token of its own.`);
    // An agent that was moved to another pool still comes with the token of its first one.
    if (own.pool_id === caller.poolId || (await credentials.findTokenPool(tx, own.pool_token_id)) === caller.poolId)
      return;
    throw new AppError(
      'name_taken',
      `Agent ${own.agent_id} belongs to another pool; give this one another agent_id, or use a token of that pool.`,
    );
  }

  /**
   * A copied machine makes two agents with one id; the living one stays. A copy of a virtual machine even has the same machine
   * id, so while the command socket is open another boot is somebody else; and so is, on one machine, another work folder.
   */
  function refuseTwin(known: store.AgentRow, body: Register): void {
    const [live, now] = [livenessOf(known), known.now.getTime()];
    const otherMachine = !sameOrUnknown(known.machine_id, body.machine_id);
    const otherId = known.agent_id !== null && known.agent_id !== body.agent_id;
    const otherBoot = !sameOrUnknown(known.boot_id, body.boot_id) && isConnected(live, now);
    const isAlive = !isOffline(live, now);
    const name = known.agent_id ?? known.name;
    if (((otherMachine || otherId) && isAlive) || otherBoot)
      throw new AppError(
        'conflict',
        `Agent ${name} is already signed on from another machine; stop that one first, or give this one a token and agent_id of its own.`,
      );
    if (!sameOrUnknown(known.folder_id, body.folder_id) && isReachable(live, now))
      throw new AppError(
        'conflict',
        `Agent ${name} is already signed on from another work folder, of which this one is a copy; remove identity.json from the copy, or stop the other one first.`,
      );
  }

  async function update(
    tx: Executor,
    agent: store.AgentRow,
    caller: RegistrantIdentity,
    body: Register,
  ): Promise<AgentId> {
    // An instance that lives is told to drain by a higher one; one that is gone may have forgotten how high it was.
    const lives = isReachable(livenessOf(agent), agent.now.getTime());
    await store.updateAgent(tx, agent.id, {
      ...reported(body),
      instance: lives ? Math.max(agent.instance, body.instance) : body.instance,
      agent_id: body.agent_id,
      pool_token_id: caller.tokenId,
    });
    return agent.id;
  }

  /** An agent that nobody knows yet: the pool whose token it brings says whether it gets in. */
  async function admit(tx: Executor, caller: RegistrantIdentity, poolId: PoolId, body: Register): Promise<AgentId> {
    const door = await pools.holdDoor(tx, poolId);
    if (door === undefined) throw new AppError('conflict', `Pool ${poolId} was removed; use a token of another one.`);
    const obstacle = findDoorObstacle(door, body);
    if (obstacle !== undefined) throw new AppError('not_admitted', obstacle);
    const { organizationId, tokenId: poolTokenId } = caller;
    const id = newId('agent') as AgentId;
    await store.insertAgent(tx, {
      id,
      organization_id: organizationId,
      pool_id: poolId,
      pool_token_id: poolTokenId,
      name: await freeName(tx, organizationId, id, body),
      agent_id: body.agent_id,
      instance: body.instance,
      ...reported(body),
    });
    return id;
  }

  /** Replicas of one container may share a name; their agent_id tells them apart. */
  async function freeName(
    tx: Executor,
    organizationId: OrganizationId,
    id: AgentId,
    { name, agent_id }: Register,
  ): Promise<string> {
    for (const candidate of [name, agent_id])
      if (!(await store.isNameTaken(tx, organizationId, candidate))) return candidate;
    return `${agent_id}-${id.slice(-6)}`;
  }

  async function answer(
    { id, poolId, via }: { id: AgentId; poolId: PoolId; via: string },
    body: Register,
  ): Promise<RegisterAnswer> {
    const expiresAt = new Date(Date.now() + JWT_MINUTES * 60_000);
    const token = await new SignJWT({ agent_id: body.agent_id, pool_id: poolId, via })
      .setProtectedHeader({ alg: ALGORITHM })
      .setSubject(id)
      .setIssuer('groundcrew')
      .setAudience('agent')
      .setIssuedAt()
      .setExpirationTime(expiresAt)
      .sign(jwtKey);
    return {
      id,
      pool_id: poolId,
      token,
      expires_at: expiresAt.toISOString(),
      expires_in_seconds: JWT_MINUTES * 60,
      heartbeat_interval_seconds: HEARTBEAT_EVERY_SECONDS,
      server_version: serverVersion,
      features: ['push', 'pull'],
    };
  }

  return {
    findRegistrant,
    findAgentCaller,
    findSignedOn,
    register,
    /** Whether what was found by {@link findSignedOn} still holds, but for the life of the JWT. */
    isStillSignedOn,
  };
}
export type SignOn = ReturnType<typeof createSignOn>;

/** A member that an administrator listed by the id it comes with, and that has never signed on: it may bring the pool's token. */
const isListed = (own: store.AgentRow, caller: RegistrantIdentity): boolean =>
  own.machine_id === null &&
  own.last_heartbeat_at === null &&
  own.token_revoked_at === null &&
  own.pool_id !== null &&
  own.pool_id === caller.poolId;

const reported = (body: Register) => ({
  version: body.version,
  reported_labels: JSON.stringify(body.labels),
  capabilities: JSON.stringify(body.capabilities),
  limits: JSON.stringify(body.limits),
  machine_id: body.machine_id,
  boot_id: body.boot_id,
  folder_id: body.folder_id,
});
