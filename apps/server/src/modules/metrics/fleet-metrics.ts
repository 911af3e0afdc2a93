import { AttemptState, TaskStatus, TaskType, TERMINAL_TASK_STATUSES } from '@groundcrew/protocol';
import { Gauge, type Registry } from 'prom-client';
import type { AgentFigures, Fleet, OpenTasks } from './fleet-store.ts';

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** A gauge whose value the database knows, so that every replica tells the same. */
interface FleetGauge {
  readonly name: `iac_${string}`;
  readonly help: string;
  readonly labels: readonly string[];
  read(fleet: Fleet): readonly Sample[];
}

const AGENT_LABELS = ['agent_name', 'pool_id'];
const STATUS_NUMBERS = { offline: 0, online: 1, busy: 2, error: 3 } as const;
const OPEN_STATUSES = TaskStatus.options.filter(
  (status) => !(TERMINAL_TASK_STATUSES as readonly string[]).includes(status),
);
const OPEN_ATTEMPTS = AttemptState.options.filter((state) => state !== 'ended');

const ofAgent = ({ name, poolId }: AgentFigures) => ({ agent_name: name, pool_id: poolId });
const one = (value: number): Sample[] => [[{}, value]];
const sum = (rows: readonly OpenTasks[]): number => rows.reduce((total, { tasks }) => total + tasks, 0);

const AGENTS: readonly FleetGauge[] = [
  {
    name: 'iac_agent_heartbeat_seconds',
    help: 'Age of the last heartbeat; none while an agent has never sent one.',
    labels: AGENT_LABELS,
    read: ({ agents }) =>
      agents.flatMap((agent) =>
        agent.heartbeatSeconds === undefined ? [] : [[ofAgent(agent), agent.heartbeatSeconds] as const],
      ),
  },
  {
    name: 'iac_agent_active_jobs',
    help: 'Attempts that an agent has and that have not ended, offers included.',
    labels: AGENT_LABELS,
    read: ({ agents }) => agents.map((agent) => [ofAgent(agent), agent.activeJobs]),
  },
  {
    name: 'iac_agent_status',
    help: 'Status of an agent: 0 offline, 1 online, 2 busy, 3 error; 1 and 2 count as available.',
    labels: AGENT_LABELS,
    read: ({ agents }) => agents.map((agent) => [ofAgent(agent), STATUS_NUMBERS[agent.status]]),
  },
  {
    name: 'iac_agents_left_out',
    help: 'Agents that are not shown one by one because there are too many.',
    labels: [],
    read: ({ agentsLeftOut }) => one(agentsLeftOut),
  },
];

const POOLS: readonly FleetGauge[] = [
  {
    name: 'iac_pool_info',
    help: "Always 1; says a pool's name.",
    labels: ['pool_id', 'pool_name'],
    read: ({ pools }) => pools.map(({ id, name }) => [{ pool_id: id, pool_name: name }, 1]),
  },
  {
    name: 'iac_pool_workspaces',
    help: 'Workspaces whose tasks go to a pool.',
    labels: ['pool_id'],
    read: ({ pools }) => pools.map(({ id, workspaces }) => [{ pool_id: id }, workspaces]),
  },
  {
    name: 'iac_queue_depth',
    help: 'Tasks that wait to be offered: for an agent, or for their workspace (its lock, or a task that comes first).',
    labels: ['pool_id', 'waits_for'],
    read: (fleet) => readQueue(fleet, sum),
  },
  {
    name: 'iac_queue_oldest_seconds',
    help: 'How long the first of them has waited since it was created, was approved or came back; 0 when none waits.',
    labels: ['pool_id', 'waits_for'],
    read: (fleet) => readQueue(fleet, (rows) => Math.max(0, ...rows.map((row) => row.oldest_seconds))),
  },
];

/** Every pool, those without a queue included; tasks that name no pool stand under an empty one. */
function readQueue({ pools, openTasks }: Fleet, value: (rows: readonly OpenTasks[]) => number): Sample[] {
  const waiting = openTasks.filter(({ waits_for }) => waits_for !== null);
  const ids = new Set([...pools.map(({ id }) => id), ...waiting.map(({ pool_id }) => pool_id)]);
  return [...ids].flatMap((pool_id) =>
    (['agents', 'workspace'] as const).map((waits_for): Sample => {
      const rows = waiting.filter((row) => row.pool_id === pool_id && row.waits_for === waits_for);
      return [{ pool_id, waits_for }, value(rows)];
    }),
  );
}

const TASKS: readonly FleetGauge[] = [
  {
    name: 'iac_tasks_open',
    help: 'Tasks that have not ended.',
    labels: ['status', 'task_type'],
    read: ({ openTasks }) =>
      OPEN_STATUSES.flatMap((status) =>
        TaskType.options.map((task_type): Sample => {
          const rows = openTasks.filter((row) => row.status === status && row.task_type === task_type);
          return [{ status, task_type }, sum(rows)];
        }),
      ),
  },
  {
    name: 'iac_tasks_needing_attention',
    help: 'Tasks that only a person can end, by the reason that is told of them.',
    labels: ['reason'],
    read: ({ openTasks }) => {
      const rows = openTasks.filter(({ status }) => status === 'needs_attention');
      const reasons = [...new Set(rows.map(({ reason }) => reason ?? 'none'))];
      return reasons.map((reason) => [{ reason }, sum(rows.filter((row) => (row.reason ?? 'none') === reason))]);
    },
  },
  {
    name: 'iac_attempts_open',
    help: 'Attempts that have not ended.',
    labels: ['state'],
    read: ({ attempts }) => OPEN_ATTEMPTS.map((state) => [{ state }, attempts.get(state) ?? 0]),
  },
  {
    name: 'iac_attempts_contact_lost',
    help: 'Running attempts whose lease has run out: nothing is heard of them, but they may well go on.',
    labels: [],
    read: ({ contactLost }) => one(contactLost),
  },
  {
    name: 'iac_state_versions_quarantined',
    help: 'States in quarantine that no person has decided about.',
    labels: [],
    read: ({ quarantined }) => one(quarantined),
  },
];

const INSTALLATION: readonly FleetGauge[] = [
  {
    name: 'iac_lease_keeper_silent_seconds',
    help: 'Since the lease keeper of any replica last wrote that the server lives.',
    labels: [],
    read: ({ keeperSilentSeconds }) => (keeperSilentSeconds === undefined ? [] : one(keeperSilentSeconds)),
  },
  {
    name: 'iac_database_size_bytes',
    help: 'Size of the database on disk.',
    labels: [],
    read: ({ databaseBytes }) => one(databaseBytes),
  },
];

/**
 * Shows what the database knows. While it cannot be read these series are absent rather than old: an alert on a value that
 * nobody knows would be a lie either way, and `iac_database_up` says what is the matter.
 */
export function addFleetMetrics(registry: Registry, findFleet: () => Promise<Fleet | undefined>): void {
  for (const { name, help, labels, read } of [...AGENTS, ...POOLS, ...TASKS, ...INSTALLATION])
    new Gauge({
      name,
      help,
      labelNames: labels,
      registers: [registry],
      async collect() {
        const fleet = await findFleet();
        this.reset();
        // A gauge without labels is reset to zero, which is a value as well.
        if (labels.length === 0) this.remove();
        for (const [values, value] of fleet ? read(fleet) : []) this.set(values, value);
      },
    });
  new Gauge({
    name: 'iac_database_up',
    help: '1 when the database answers this replica, else 0.',
    registers: [registry],
    async collect() {
      this.set((await findFleet()) === undefined ? 0 : 1);
    },
  });
}
