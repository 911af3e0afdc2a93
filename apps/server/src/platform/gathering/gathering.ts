import type { Clock } from '@groundcrew/kit';

export interface GatheringOptions<Q, A> {
  /**
   * Answers many at once, in their order. When it throws, every one of them has failed. An answer that is still to come is waited for by
   * its asker alone; the others and the next round go on.
   */
  answerAll: (questions: readonly Q[]) => Promise<readonly (A | Promise<A>)[]>;
  /** Of two questions with the same key the later one is asked after the earlier one has its answer. */
  keyOf: (question: Q) => string;
  /** Least pause between two starts of `answerAll`, in milliseconds; what comes after a longer one waits for nothing. */
  everyMs: number;
  /** Questions answered at once; the rest goes next. 1,000 when not given. */
  most?: number;
  clock: Clock;
}

/** Asks one question and gives its answer; rejects when it could not be answered. */
type Gathering<Q, A> = (question: Q) => Promise<A>;

interface Asked<Q, A> {
  question: Q;
  resolve: (answer: A) => void;
  reject: (error: unknown) => void;
}

/**
 * Makes one statement of what thousands ask at about the same time. Whoever is alone is answered at once, so that nothing waits on
 * a quiet server; under load answers come in rounds, `everyMs` apart. Rounds never overlap.
 */
export function createGathering<Q, A>(options: GatheringOptions<Q, A>): Gathering<Q, A> {
  const { answerAll, keyOf, everyMs, most = 1_000, clock } = options;
  let waiting: Asked<Q, A>[] = [];
  /** Keys whose answer is still to come. */
  const open = new Set<string>();
  let isRunning = false;
  let startedAt = Number.NEGATIVE_INFINITY;

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      // A clock that was set back must not make anybody wait for longer than the pause.
      const pauseMs = Math.min(everyMs, startedAt + everyMs - clock.now());
      if (pauseMs > 0) await clock.sleep(pauseMs);
      const round = take();
      if (round.length === 0) break;
      startedAt = clock.now();
      await answerSome(round);
    }
    isRunning = false;
  }

  function start(): void {
    if (isRunning || waiting.length === 0) return;
    isRunning = true;
    // After whatever else arrives in the same turn.
    setImmediate(() => void run());
  }

  /** The oldest ones, each key once. */
  function take(): Asked<Q, A>[] {
    const taken = new Map<string, Asked<Q, A>>();
    const left: Asked<Q, A>[] = [];
    for (const asked of waiting) {
      const key = keyOf(asked.question);
      if (taken.size >= most || taken.has(key) || open.has(key)) left.push(asked);
      else taken.set(key, asked);
    }
    waiting = left;
    return [...taken.values()];
  }

  async function answerSome(round: readonly Asked<Q, A>[]): Promise<void> {
    try {
      const answers = await answerAll(round.map(({ question }) => question));
      for (const [n, asked] of round.entries()) void settle(asked, answers[n] as A | Promise<A>);
    } catch (error) {
      for (const { reject } of round) reject(error);
    }
  }

  async function settle({ question, resolve, reject }: Asked<Q, A>, answer: A | Promise<A>): Promise<void> {
    if (!(answer instanceof Promise)) return resolve(answer);
    const key = keyOf(question);
    open.add(key);
    await answer.then(resolve, reject);
    open.delete(key);
    start();
  }

  return (question) =>
    new Promise<A>((resolve, reject) => {
      waiting.push({ question, resolve, reject });
      start();
    });
}
