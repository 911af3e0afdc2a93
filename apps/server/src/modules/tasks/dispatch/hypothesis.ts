import type { AgentId, PoolId } from '@groundcrew/protocol';
import { choose } from './choose.ts';
import type { AgentView, PoolView, Snapshot } from './snapshot.ts';

/** What further agents of a pool would change, found by asking the choice itself. */
export interface Help {
  /** Tasks that one further agent would have under way at once. */
  readonly byOne: number;
  /** Tasks that enough further agents would have under way at once. */
  readonly byEnough: number;
  /** How many further agents that takes. */
  readonly agentsWanted: number;
}

/** More than anybody starts at once; a bound for the time that the question takes. */
const MOST_AGENTS = 1_000;
/** What an agent runs at once when a pool has none to take after. */
const USUAL_SLOTS = 3;

/**
 * Asks the choice what it would do with further agents in every pool. Tasks that wait for something else – a lock, a limit, an
 * order, a label that the pool's agents do not carry – are no reason to start one.
 *
 * A further agent is like those of its pool: the same slots, labels, programs and permissions as one that works there now,
 * since autoscalers start copies. In an empty pool it has what the pool requires and may do everything.
 */
export function findHelp(snapshot: Snapshot): Map<PoolId, Help> {
  const waiting = Map.groupBy(snapshot.tasks, ({ poolId }) => poolId);
  const pools = snapshot.pools.filter(({ id }) => waiting.has(id));
  const templates = pools.map((pool) => createTemplate(snapshot, pool));
  const most = (pool: PoolId): number => Math.min(waiting.get(pool)?.length ?? 0, MOST_AGENTS);
  const one = countHelped(
    snapshot,
    templates.map((agent) => ({ ...agent, id: extraId(agent, 0) })),
  );
  const enough = countHelped(
    snapshot,
    templates.flatMap((agent) =>
      Array.from({ length: most(agent.poolId) }, (_, n) => ({ ...agent, id: extraId(agent, n) })),
    ),
  );
  return new Map(
    pools.map(({ id }) => [
      id,
      {
        byOne: one.get(id)?.length ?? 0,
        byEnough: enough.get(id)?.length ?? 0,
        agentsWanted: new Set(enough.get(id)).size,
      },
    ]),
  );
}

const extraId = ({ poolId }: { poolId: PoolId }, n: number): AgentId =>
  `~${poolId}-${String(n).padStart(5, '0')}` as AgentId;

/**
 * The further agents that are given something, as often as they are, by pool. They stand behind those there are, and a die that
 * always shows one gives each task to the first with room: so they get only what nobody else can take, and few of them do.
 */
function countHelped(snapshot: Snapshot, extras: readonly AgentView[]): Map<PoolId, AgentId[]> {
  const poolOf = new Map(extras.map(({ id, poolId }) => [id, poolId]));
  const { assignments } = choose(
    {
      ...snapshot,
      agents: [...snapshot.agents, ...extras],
      pools: snapshot.pools.map((pool) => ({ ...pool, strategy: 'random' as const })),
    },
    () => 0,
  );
  const helped = new Map<PoolId, AgentId[]>();
  for (const { agentId } of assignments) {
    const poolId = poolOf.get(agentId);
    if (poolId !== undefined) add(helped, poolId, agentId);
  }
  return helped;
}

function add<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [value]);
  else group.push(value);
}

function createTemplate({ agents }: Snapshot, pool: PoolView): AgentView {
  const mine = agents.filter(({ poolId }) => poolId === pool.id);
  const model =
    mine.findLast(({ status }) => status === 'online' || status === 'busy') ?? mine.at(-1) ?? createIdeal(pool);
  return { ...model, ...FRESH };
}

const FRESH = {
  status: 'online',
  silentOffers: 0,
  draining: false,
  planLimit: null,
  planLimitReason: null,
  plans: 0,
  applies: 0,
} as const satisfies Partial<AgentView>;

const createIdeal = (pool: PoolView): AgentView => ({
  ...FRESH,
  id: `~${pool.id}` as AgentId,
  name: 'a further agent',
  poolId: pool.id,
  labels: pool.requiredLabels,
  versions: { terraform: [], tofu: [] },
  installsVersions: true,
  providers: null,
  mayExecute: true,
  mayReadSecrets: true,
  allowedWorkspaces: null,
  allowedProviders: null,
  maxTasks: USUAL_SLOTS,
});
