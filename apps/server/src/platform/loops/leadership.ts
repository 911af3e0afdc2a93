import { createHash } from 'node:crypto';
import type { Clock, Logger } from '@groundcrew/kit';
import { systemClock } from '@groundcrew/kit';
import { connect, type DatabaseAddress, type Session } from '../database/index.ts';

/**
 * Says which replica alone does what only one may do. A lead is an advisory lock of a session of ours: PostgreSQL frees it when
 * the session ends, however we end. It keeps two replicas from doing the same work for nothing; it is no fence, because a
 * replica that is cut off learns of it late, so what a leader writes must be right even if another one writes too.
 */
export interface Leadership {
  /**
   * Takes or confirms the lead. Gives a signal that aborts when the lead is lost, or undefined when another replica has it or
   * the database cannot be reached.
   */
  tryLead(name: string): Promise<AbortSignal | undefined>;
  /** Lets another replica have it. */
  resign(name: string): Promise<void>;
  /** Resigns from everything. */
  close(): Promise<void>;
}

interface LeadershipOptions {
  address: DatabaseAddress;
  logger: Logger;
  clock?: Clock;
}

/** How often a session that holds leads is asked whether it is still there; a network can lose one without a word. */
const PROBE_MS = 5_000;

export function createLeadership({ address, logger, clock = systemClock }: LeadershipOptions): Leadership {
  const leads = new Map<string, AbortController>();
  const closing = new AbortController();
  const inTurn = createTurns();
  let session: Session | undefined;

  async function open(): Promise<Session> {
    const opened = await connect(address, 'leadership', { statementTimeoutMs: PROBE_MS });
    opened.once('end', () => lose(opened));
    session = opened;
    void probe(opened);
    return opened;
  }

  /** Ends a session that does not answer, so that nobody here goes on leading without a lock. */
  async function probe(opened: Session): Promise<void> {
    while (session === opened) {
      await clock.sleep(PROBE_MS, closing.signal).catch(() => {});
      if (session !== opened || closing.signal.aborted) return;
      const answer = inTurn(() => opened.query('SELECT 1'));
      const late = new AbortController();
      const answered = await Promise.race([
        answer.then(
          () => true,
          () => false,
        ),
        clock.sleep(PROBE_MS, late.signal).then(
          () => false,
          () => false,
        ),
      ]);
      late.abort();
      if (!answered) lose(opened);
    }
  }

  function lose(lost: Session): void {
    if (session !== lost) return;
    session = undefined;
    if (leads.size > 0 && !closing.signal.aborted)
      logger.warn({ leads: [...leads.keys()] }, 'Lost the lead with its database session.');
    for (const lead of leads.values()) lead.abort();
    leads.clear();
    void lost.end().catch(() => {});
  }

  async function take(name: string): Promise<AbortSignal | undefined> {
    const found = leads.get(name);
    if (found !== undefined) return found.signal;
    if (closing.signal.aborted) return undefined;
    const current = session ?? (await open());
    const { rows } = await current.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [
      lockOf(name),
    ]);
    if (rows[0]?.taken !== true || session !== current) return undefined;
    const lead = new AbortController();
    leads.set(name, lead);
    return lead.signal;
  }

  async function release(name: string): Promise<void> {
    const lead = leads.get(name);
    leads.delete(name);
    lead?.abort();
    if (lead !== undefined) await session?.query('SELECT pg_advisory_unlock($1)', [lockOf(name)]).catch(() => {});
  }

  return {
    tryLead: (name) =>
      inTurn(() => take(name)).catch((error: unknown) => {
        logger.debug({ err: error, name }, 'Could not ask for the lead.');
        return undefined;
      }),
    resign: (name) => inTurn(() => release(name)),
    async close() {
      closing.abort();
      await inTurn(async () => {
        if (session !== undefined) lose(session);
      });
    },
  };
}

/** The lock's number: 64 bits of a hash, so that names need no register. As text, for it does not fit a JavaScript number. */
const lockOf = (name: string): string =>
  createHash('sha256').update(`groundcrew lead ${name}`).digest().readBigInt64BE().toString();

/** A session answers one question at a time. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(task: () => Promise<T>): Promise<T> => {
    const turn = last.then(task, task);
    last = turn.catch(() => {});
    return turn;
  };
}
