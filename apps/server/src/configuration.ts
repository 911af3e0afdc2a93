import { join, resolve } from 'node:path';
import { type ConfigMistake, config, LOG_LEVELS } from '@groundcrew/kit';
import { START_FIGURES } from './modules/tasks/index.ts';
import { findOidcContradictions, OIDC } from './oidc-configuration.ts';
import { parseTrusted } from './platform/http/index.ts';

const seconds = (ms: number): string => `${ms / 1000}s`;

/** @internal Every setting of the server: from the environment (`GROUNDCREW_…`), else from the YAML file, else the default. */
export const CONFIGURATION = {
  home: config.text({
    doc: 'Folder of everything the server keeps itself: the embedded database, the master key, the folder of its own agent.',
    default: '.groundcrew',
  }),
  database_url: config.optional(
    config.secret({
      doc: 'A PostgreSQL 15 or newer to use, as postgres://user:password@host/name. Without it the server runs one of its own in its home.',
      env: ['DATABASE_URL'],
    }),
  ),
  database_sessions: config.number({ doc: 'Most sessions with the database at once.', default: 20, min: 4, max: 500 }),
  database_failover: config.choice(['restore', 'lossless'], {
    doc: 'What the promotion of a standby of the database is taken for. "restore": something may be lost, so tasks that may apply wait for a person. "lossless": only synchronous standbys are promoted, so tasks go on if PostgreSQL waited for one (synchronous_standby_names, synchronous_commit on or remote_apply) when the server last looked, which is every 5 s.',
    default: 'restore',
  }),
  master_key: config.optional(
    config.secret({
      doc: 'The key above all encryption keys, 32 bytes as base64 or hex; behind it, one a line, older ones that are only read with. Without it one is made at the first start and kept in home/master.key. Replicas need the same.',
    }),
  ),
  listen: {
    host: config.text({ doc: 'Address to listen on.', default: '127.0.0.1' }),
    port: config.number({ doc: 'Port to listen on; 0 takes a free one.', default: 8400, min: 0, max: 65_535 }),
    insecure: config.bool({
      doc: 'Allows listening off loopback without TLS and without a trusted proxy.',
      default: false,
    }),
  },
  public_url: config.optional(
    config.text({
      doc: 'Where clients find the server, when that is not where it listens.',
      pattern: /^https?:\/\/\S+$/,
      allowed: 'a URL such as https://groundcrew.example.com',
    }),
  ),
  tls: {
    cert_file: config.optional(config.text({ doc: 'Certificate chain, PEM.' })),
    key_file: config.optional(config.text({ doc: 'Private key, PEM.' })),
  },
  trust_proxy: config.list({
    doc: 'Proxies whose X-Forwarded-For is believed: addresses, ranges such as 10.0.0.0/8, or "loopback".',
    default: [],
  }),
  logging: {
    level: config.choice(LOG_LEVELS, { doc: 'Least important lines that are logged.', default: 'info' }),
    file: config.optional(config.text({ doc: 'File to append the log to, in place of standard error.' })),
  },
  metrics: {
    token: config.optional(
      config.secret({
        doc: 'What Prometheus brings as "Authorization: Bearer …" to read /metrics, at least 16 characters. Without it only this machine may read them, at a loopback address and through no proxy.',
      }),
    ),
  },
  shutdown_delay: config.duration({
    doc: 'How long the server goes on after it was told to leave, while /health/ready already says no: time for a load balancer to look elsewhere.',
    default: '0s',
    max: '2m',
  }),
  built_in_agent: {
    enabled: config.bool({ doc: "Runs an agent of the server's own, for execution mode server.", default: true }),
    slots: config.number({ doc: 'Tasks it runs at once.', default: 3, min: 1, max: 100 }),
  },
  archive_dir: config.optional(
    config.text({
      doc: 'Folder for finished logs. Default: archive/logs in the home beside a database of our own; with another database, whose replicas must share the folder, they stay in the database.',
    }),
  ),
  oidc: OIDC,
  sign_in_token: config.choice(['first', 'always'], {
    doc: 'When a start prints a one-time sign-in token: until somebody has signed in, or always, for an owner who has lost their token.',
    default: 'first',
  }),
  intervals: {
    dispatch: config.duration({
      doc: 'How often the queue is looked at when nothing wakes the dispatcher.',
      default: '2s',
      min: '100ms',
      max: '1m',
    }),
    deadlines: config.duration({
      doc: 'How often passed deadlines of tasks are applied.',
      default: '1s',
      min: '50ms',
      max: '1m',
    }),
    sweep: config.duration({
      doc: 'How often old events, idempotency keys and abandoned bytes are removed.',
      default: '10m',
      min: '1s',
      max: '1d',
    }),
  },
  leases: {
    offer: config.duration({
      doc: 'Time an agent has to accept an offer.',
      default: seconds(START_FIGURES.offerMs),
      min: '1s',
      max: '10m',
    }),
    lease: config.duration({
      doc: 'What one renewal is worth; after it people read "contact lost".',
      default: seconds(START_FIGURES.leaseMs),
      min: '1s',
      max: '1h',
    }),
    renew: config.duration({
      doc: 'How often a runner is asked to renew.',
      default: seconds(START_FIGURES.renewEveryMs),
      min: '200ms',
      max: '30m',
    }),
    lost_after: config.duration({
      doc: 'Silence after which an attempt that cannot have applied anything is given up.',
      default: seconds(START_FIGURES.lostAfterMs),
      min: '2s',
      max: '1d',
    }),
    pass_over: config.duration({
      doc: 'How long an agent that gave a task back is not asked again for that task.',
      default: seconds(START_FIGURES.passOverMs),
      max: '1h',
    }),
    max_returns: config.number({
      doc: 'Returns with which a task fails.',
      default: START_FIGURES.maxReturns,
      min: 1,
      max: 100,
    }),
    max_losses: config.number({
      doc: 'Losses with which a task fails.',
      default: START_FIGURES.maxLosses,
      min: 1,
      max: 100,
    }),
    silent_offers: config.number({
      doc: 'Offers left unanswered in a row that make an agent suspect.',
      default: START_FIGURES.silentOffersUntilSuspect,
      min: 1,
      max: 100,
    }),
    cancel_grace: config.duration({
      doc: 'From a cancel to the end of an attempt that cannot have applied anything, when no exit is reported.',
      default: seconds(START_FIGURES.cancelGraceMs),
      min: '1s',
      max: '1d',
    }),
    stuck_after: config.duration({
      doc: 'From a cancel or time-out of an apply until it counts as stuck.',
      default: seconds(START_FIGURES.stuckAfterMs),
      min: '1s',
      max: '7d',
    }),
    abandoned_slack: config.duration({
      doc: 'Silence of an apply beyond its own time-out until it counts as abandoned.',
      default: seconds(START_FIGURES.abandonedSlackMs),
      max: '7d',
    }),
    abandoned_at_least: config.duration({
      doc: 'The least silence of an apply until it counts as abandoned.',
      default: seconds(START_FIGURES.abandonedAtLeastMs),
      min: '2s',
      max: '30d',
    }),
    settle: config.duration({
      doc: 'From an exit to its settling without what has not arrived.',
      default: seconds(START_FIGURES.settleMs),
      min: '1s',
      max: '7d',
    }),
    plan_life: config.duration({
      doc: 'Life of a stored plan that nobody applied.',
      default: seconds(START_FIGURES.planLifeMs),
      min: '1s',
      max: '90d',
    }),
    keeper: config.duration({
      doc: 'How often the lease keeper writes that the server lives.',
      default: seconds(START_FIGURES.keeperEveryMs),
      min: '200ms',
      max: '1m',
    }),
    keeper_gap: config.duration({
      doc: 'Silence of the lease keeper that counts as an outage of the server.',
      default: seconds(START_FIGURES.keeperGapMs),
      min: '1s',
      max: '10m',
    }),
    keeper_grace: config.duration({
      doc: 'Added to the outage when deadlines are moved after it.',
      default: seconds(START_FIGURES.keeperGraceMs),
      max: '1h',
    }),
  },
} satisfies config.ConfigSpec;

export type Configuration = config.ConfigOf<typeof CONFIGURATION>;

/**
 * Reads the configuration once. Relative paths are taken from the folder the server is started in; `home` comes out absolute.
 * Throws one `ConfigError` that lists every mistake.
 *
 * @param file path of a YAML file
 */
export function readConfiguration(env: NodeJS.ProcessEnv, file?: string): Configuration {
  const read = config.readConfig(CONFIGURATION, {
    env,
    envPrefix: 'GROUNDCREW',
    check: findContradictions,
    ...(file === undefined ? {} : { file: { path: file } }),
  });
  return { ...read, home: resolve(read.home) };
}

/** Where finished logs go; undefined when they stay in the database. */
export function findArchiveDir({ archive_dir, database_url, home }: Configuration): string | undefined {
  if (archive_dir !== undefined) return resolve(archive_dir);
  return database_url === undefined ? join(home, 'archive', 'logs') : undefined;
}

/** The certificate to serve with; undefined when there is none. */
export const findTls = ({ cert_file, key_file }: Configuration['tls']) =>
  cert_file === undefined || key_file === undefined ? undefined : { certFile: cert_file, keyFile: key_file };

/** Where things are in the home. */
export const homePaths = (home: string) => ({
  masterKey: join(home, 'master.key'),
  lock: join(home, 'server.lock'),
  /** Where the running server is: `{url, pid, …}`. */
  serverFile: join(home, 'server.json'),
  agent: join(home, 'agent'),
});

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** Whether browsers come over TLS, or have to: everywhere but on loopback without a proxy before it. */
export const isReachedSecurely = ({ public_url, tls, listen, trust_proxy }: Configuration): boolean =>
  public_url === undefined
    ? tls.cert_file !== undefined || trust_proxy.length > 0 || !LOOPBACK.has(listen.host)
    : public_url.startsWith('https://') || !LOOPBACK.has(new URL(public_url).hostname.replace(/^\[|\]$/g, ''));

/** What is wrong only in combination. */
function findContradictions(value: Configuration): ConfigMistake[] {
  const { tls, listen, leases, metrics, trust_proxy } = value;
  const mistakes: ConfigMistake[] = findOidcContradictions(value.oidc, value.public_url);
  if ((tls.cert_file === undefined) !== (tls.key_file === undefined))
    mistakes.push({
      key: 'tls',
      found: `only ${tls.cert_file === undefined ? 'key_file' : 'cert_file'}`,
      allowed: 'both cert_file and key_file, or neither',
    });
  if (!LOOPBACK.has(listen.host) && tls.cert_file === undefined && trust_proxy.length === 0 && !listen.insecure)
    mistakes.push({
      key: 'listen.host',
      found: `"${listen.host}" without TLS`,
      allowed: 'loopback; anything else with tls, with a proxy named in trust_proxy, or with listen.insecure: true',
    });
  if (metrics.token !== undefined && metrics.token.length < 16)
    mistakes.push({
      key: 'metrics.token',
      found: `${metrics.token.length} characters`,
      allowed: 'at least 16, such as those of: openssl rand -hex 32',
    });
  if (leases.renew * 2 > leases.lease)
    mistakes.push({
      key: 'leases.renew',
      found: seconds(leases.renew),
      allowed: `at most half of leases.lease (${seconds(leases.lease)}), so that one lost renewal costs no lease`,
    });
  if (leases.lost_after < leases.lease)
    mistakes.push({
      key: 'leases.lost_after',
      found: seconds(leases.lost_after),
      allowed: `at least leases.lease (${seconds(leases.lease)})`,
    });
  if (leases.keeper_gap < leases.keeper * 2)
    mistakes.push({
      key: 'leases.keeper_gap',
      found: seconds(leases.keeper_gap),
      allowed: `at least twice leases.keeper (${seconds(leases.keeper)})`,
    });
  try {
    parseTrusted(trust_proxy);
  } catch (error) {
    mistakes.push({
      key: 'trust_proxy',
      found: (error as Error).message.replace(/\.$/, ''),
      allowed: 'addresses, ranges and "loopback"',
    });
  }
  return mistakes;
}
