import type { Clock } from '@groundcrew/kit';
import type { AgentId, Heartbeat, HeartbeatAnswer } from '@groundcrew/protocol';
import { DatabaseError, type Executor } from '../../platform/database/index.ts';
import { createGathering } from '../../platform/gathering/index.ts';
import * as store from './store.ts';

export interface HeartbeatDeps {
  db: Executor;
  clock: Clock;
  /** Milliseconds between log sends when nobody watches; what is watched is told by the renewal. */
  logIntervalMs: number;
}

/** A heartbeat as it came. */
interface Beat {
  agentId: AgentId;
  body: Heartbeat;
  /** The socket it came over, if that is the agent's when it is written down. */
  held: () => store.Held | undefined;
  at: number;
}

/** Rounds of heartbeats; long enough to make one statement of a hundred, short against every time-out there is. */
const EVERY_MS = 500;

/**
 * Takes heartbeats and says what the server wants, attempt by attempt, so that an agent that only ever heartbeats over HTTP still
 * learns of a cancel. An attempt that has ended meanwhile is named `fenced`. Many at once are written in one statement; an answer means that
 * its heartbeat is in the database, and a process that is killed before has answered nothing.
 */
export function createHeartbeats({ db, clock, logIntervalMs }: HeartbeatDeps) {
  /** What PostgreSQL refuses of one, such as a character that JSON has and it has not, must not be everybody's trouble. */
  async function answerAll(beats: readonly Beat[]): Promise<(HeartbeatAnswer | Promise<HeartbeatAnswer>)[]> {
    try {
      return await answerTogether(beats);
    } catch (error) {
      if (beats.length === 1 || !(error instanceof DatabaseError && error.kind === 'bad_value')) throw error;
      return beats.map(async (beat) => (await answerTogether([beat]))[0] as HeartbeatAnswer);
    }
  }

  async function answerTogether(beats: readonly Beat[]): Promise<(HeartbeatAnswer | Promise<HeartbeatAnswer>)[]> {
    const [saved, desired] = await Promise.all([
      store.saveHeartbeats(db, beats.map(toSaid)),
      store.listDesiredOf(
        db,
        beats.map(({ agentId, body }) => ({ id: agentId, held: body.current_tasks })),
      ),
    ]);
    const drains = new Map(saved.map(({ id, draining }) => [id, draining]));
    const wishes = Map.groupBy(desired, ({ agent_id }) => agent_id);
    return beats.map((beat) => {
      const named = new Set(beat.body.current_tasks);
      const wished = wishes.get(beat.agentId)?.filter(({ attempt_id, ended }) => !ended || named.has(attempt_id)) ?? [];
      const answer = (drain: boolean) => toAnswer(wished, drain, logIntervalMs);
      const drain = drains.get(beat.agentId);
      return drain === undefined ? saveAlone(beat).then(answer) : answer(drain);
    });
  }

  /** Its row was not free, or is gone; the others do not wait for it. */
  async function saveAlone(beat: Beat): Promise<boolean> {
    const [saved] = await store.saveHeartbeats(db, [toSaid(beat)], { wait: true });
    return saved?.draining ?? false;
  }

  const toSaid = ({ agentId, body, held, at }: Beat): store.SaidHeartbeat => ({
    agentId,
    body,
    held: held(),
    ageMs: Math.max(0, clock.now() - at),
  });

  const gather = createGathering<Beat, HeartbeatAnswer>({
    answerAll,
    keyOf: ({ agentId }) => agentId,
    everyMs: EVERY_MS,
    clock,
  });

  return {
    /** Errors: of the database. */
    async take(
      agentId: AgentId,
      body: Heartbeat,
      held: () => store.Held | undefined = () => undefined,
    ): Promise<HeartbeatAnswer> {
      return gather({ agentId, body: withOneName(body), held, at: clock.now() });
    },
  };
}
export type Heartbeats = ReturnType<typeof createHeartbeats>;

/** Agents of other makes call `mem_usage` `memory_usage`; whoever reads the record finds it under one name. */
function withOneName({ memory_usage, ...body }: Heartbeat): Heartbeat {
  return memory_usage === undefined ? body : { mem_usage: memory_usage, ...body };
}

/** What the server wants, as a heartbeat's answer and a hello's. */
export const toAnswer = (
  desired: readonly store.DesiredRow[],
  drain: boolean,
  logIntervalMs: number,
): HeartbeatAnswer => ({
  attempts: desired.map(({ attempt_id, task_id, cancel_level, ended }) => ({
    attempt_id,
    task_id,
    cancel_level,
    verdict: ended ? 'fenced' : 'go_on',
  })),
  drain,
  log_interval_ms: logIntervalMs,
  configuration_revision: 0,
  renew_credentials: false,
});
