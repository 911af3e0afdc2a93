/** Why a server does not want requests, for people and for whoever reads probes. */
export interface Reason {
  readonly code: 'starting' | 'shutting_down' | 'database_unavailable' | 'migrations_missing';
  readonly message: string;
}

/** The answer to one question about the server's health. */
export interface Verdict {
  readonly ok: boolean;
  readonly status: 'alive' | 'started' | 'starting' | 'ready' | 'not_ready';
  readonly reason?: Reason;
}

/** The three questions that Kubernetes asks, and what the answers depend on. Made before anything else is started. */
export interface Health {
  /**
   * Whether restarting the process would help. Answering at all is the answer: it looks at nothing, so that a database that is
   * away does not get every replica restarted.
   */
  live(): Verdict;
  /** Whether the start is over: database, migrations, loops, listener. Until then Kubernetes asks nothing else. */
  startup(): Verdict;
  /** Whether requests should be sent here now. */
  ready(): Promise<Verdict>;
  /** @param doing what the start is at, as people read it */
  starting(doing: string): void;
  started(): void;
  /** From now on nothing new should be sent here; what is under way goes on. */
  draining(): void;
  /** What readiness depends on beyond the stage; nothing until it is given. Gives why not, or undefined when all is well. */
  dependOn(check: () => Promise<Reason | undefined>): void;
}

type Stage = 'starting' | 'running' | 'draining';

export function createHealth(): Health {
  let stage: Stage = 'starting';
  let doing = 'it has just begun';
  let check: () => Promise<Reason | undefined> = async () => undefined;

  function findStageReason(): Reason | undefined {
    if (stage === 'running') return undefined;
    return stage === 'starting'
      ? { code: 'starting', message: `The server is starting: ${doing}.` }
      : { code: 'shutting_down', message: 'The server is shutting down.' };
  }

  return {
    live: () => ({ ok: true, status: 'alive' }),
    startup() {
      const reason = stage === 'starting' ? findStageReason() : undefined;
      return reason ? { ok: false, status: 'starting', reason } : { ok: true, status: 'started' };
    },
    async ready() {
      const reason = findStageReason() ?? (await check()) ?? findStageReason();
      return reason ? { ok: false, status: 'not_ready', reason } : { ok: true, status: 'ready' };
    },
    starting(what) {
      doing = what;
    },
    started() {
      if (stage === 'starting') stage = 'running';
    },
    draining() {
      stage = 'draining';
    },
    dependOn(given) {
      check = given;
    },
  };
}
