import type { PoolQueue, QueueExplanation, QueueSummary, WayOut } from '@groundcrew/protocol';
import type { Style } from '../terminal/style.ts';
import { formatTable } from '../terminal/table.ts';

/** What can be done, with the command that does it. */
const formatWay = ({ sentence, command }: WayOut, name: string): string =>
  command === null ? sentence : `${sentence}  ${name} ${command}`;

/** Why a task does not run, for people. `name` is how they type this command. */
export function formatExplanation(explanation: QueueExplanation, style: Style, name: string): string {
  const { position, message, agents, ways_out } = explanation;
  const place = position === null ? '' : ` It is number ${position} in the queue of its pool.`;
  const ways = ways_out.map((way) => `  ${formatWay(way, name)}`);
  const rows = agents.map(({ name: agent, message: why, way_out }) => [
    agent,
    why,
    way_out === null ? '' : formatWay(way_out, name),
  ]);
  return [
    `${message}${place}`,
    ...ways,
    ...(rows.length === 0 ? [] : ['', formatTable(['AGENT', 'WHY NOT', 'WAY OUT'], rows, style)]),
  ].join('\n');
}

export function formatQueue({ waiting, running, max_concurrent_tasks, pools }: QueueSummary, style: Style): string {
  const limit = max_concurrent_tasks === null ? '' : ` of at most ${max_concurrent_tasks}`;
  const head = `${waiting} waiting, ${running}${limit} running.`;
  if (pools.length === 0) return head;
  const header = ['POOL', 'WAITING', 'OLDEST', 'RUNNING', 'FREE', 'AGENTS', 'WANTED', 'WHY'];
  return `${head}\n\n${formatTable(header, pools.map(toRow), style)}`;
}

const toRow = (pool: PoolQueue): string[] => [
  pool.name,
  String(pool.waiting),
  pool.oldest_waiting_seconds === null ? '' : `${pool.oldest_waiting_seconds} s`,
  String(pool.running),
  String(pool.free_slots),
  formatAgents(pool),
  pool.helped === 0 ? '' : `${pool.agents_wanted} for ${pool.helped}`,
  Object.entries(pool.waiting_by_rule)
    .map(([rule, count]) => `${rule.replaceAll('_', ' ')} ${count}`)
    .join(', '),
];

const formatAgents = ({ agents }: PoolQueue): string =>
  Object.entries(agents)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status}`)
    .join(', ');
