import { config } from '@groundcrew/kit';

/** Where the agent's own HTTP listens when nothing else is said. */
export const DEFAULT_LISTEN = '127.0.0.1:8081';

/** Everything an agent can be told. The keys are those of the documented file; each can come from the environment as well. */
export const AGENT_SPEC = {
  agent: {
    name: config.optional(
      config.text({
        doc: 'Name that people see; default the host name.',
        pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,89}$/,
        allowed: 'at most 90 letters, digits, ".", "_", "-"',
        env: ['AGENT_NAME'],
      }),
    ),
    agent_id: config.optional(
      config.text({
        doc: "The agent's own id; default host name and a random part, kept in the work folder.",
        pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
        allowed: 'at most 128 letters, digits, ".", "_", "-"',
      }),
    ),
    pool_id: config.optional(
      config.text({ doc: 'Pool that the agent expects to be in; its token decides.', env: ['POOL_ID'] }),
    ),
    server_url: config.text({ doc: 'Where the server is.', env: ['SERVER_URL'] }),
    token: config.secret({ doc: 'agt_… of this agent, or apt_… of its pool.', env: ['AGENT_TOKEN'] }),
    ca_file: config.text({ doc: 'PEM file of further certificate authorities to trust.', default: '' }),
    allow_insecure: config.bool({
      doc: 'Speak plain http to another host. Off, since everything the agent says would be readable on the way.',
      default: false,
    }),
    mode: config.choice(['auto', 'push', 'pull'], {
      doc: 'How work comes: by command socket, by long poll, or the socket with the poll as fallback.',
      default: 'auto',
    }),
  },
  capabilities: {
    terraform_versions: config.list({
      doc: 'Terraform versions to offer beside those found on PATH.',
      default: [],
      pattern: /^[0-9A-Za-z.+-]{1,40}$/,
      allowed: 'a list of at most 200 versions',
      maxItems: 200,
    }),
    providers: config.list({
      doc: 'Providers it can reach; empty says nothing about them.',
      default: [],
      pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/,
      allowed: 'a list of at most 500 names such as aws or hashicorp/aws',
      maxItems: 500,
    }),
    install_versions: config.bool({
      doc: 'Install Terraform versions that a workspace names and the host lacks.',
      default: true,
    }),
    terraform_url: config.optional(
      config.text({ doc: 'Where Terraform releases are downloaded; default releases.hashicorp.com.' }),
    ),
    tofu_url: config.optional(
      config.text({ doc: 'Where OpenTofu releases are downloaded; default its GitHub releases.' }),
    ),
    key_file: config.optional(config.text({ doc: 'Armored public key that signs the releases at those URLs.' })),
  },
  labels: config.list({
    doc: 'Labels the agent reports, `key=value` or bare words; a map is taken as well. At most 64.',
    default: [],
    // As the server takes them, so that a mistake shows here and not in its refusal.
    pattern: /^(?=.{1,128}$)[A-Za-z0-9][A-Za-z0-9._/-]*(=[A-Za-z0-9._/ -]*)?$/,
    allowed: 'at most 64 words or key=value',
    maxItems: 64,
    takesMap: true,
  }),
  resources: {
    max_concurrent_jobs: config.number({
      doc: 'Attempts at once, plans and applies together.',
      default: 3,
      min: 1,
      max: 1000,
    }),
    workspace_dir: config.text({
      doc: 'Work folder: attempts, installed versions, identity.',
      default: '/var/lib/groundcrew/work',
    }),
    spare_runners: config.number({
      doc: 'Warm runners kept ready, so that a task starts at once.',
      default: 1,
      min: 0,
      max: 20,
    }),
    runner_uid: config.optional(
      config.number({
        doc: 'User that runners run as, when the agent is root: this uid for the first slot, the next ones for the others.',
        min: 1,
        max: 4_000_000_000,
      }),
    ),
    runner_gid: config.optional(
      config.number({ doc: 'Group of the runners; default the uid.', min: 1, max: 4_000_000_000 }),
    ),
    path: config.optional(
      config.text({ doc: "PATH of runners, Terraform and its provisioners; default the agent's own." }),
    ),
  },
  heartbeat: {
    interval: config.duration({ doc: 'Between two heartbeats.', default: '30s', min: '1s', max: '5m' }),
    timeout: config.duration({ doc: 'How long an answer may take.', default: '10s', min: '1s', max: '1m' }),
  },
  http: {
    listen: config.text({
      doc: "Address of the agent's own HTTP: health, metrics, reload. `off` or empty for none.",
      default: DEFAULT_LISTEN,
      pattern:
        /^(off||(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))$/,
      allowed: '"host:port", or "off"',
      takesEmpty: true,
    }),
    token: config.optional(
      config.secret({
        doc: 'Bearer token that lets other hosts ask for a reload; without one only this host may.',
        pattern: /^[\x21-\x7e]{16,200}$/,
        allowed: 'at least 16 printable characters without spaces',
      }),
    ),
  },
  daemon: {
    url: config.text({
      doc: 'Base address of a daemon on this host that takes heartbeats over HTTP; empty for none.',
      default: '',
      pattern: /^https?:\/\/[^\s@]+$/,
      allowed: 'an http:// or https:// URL without credentials',
    }),
    socket_path: config.text({
      doc: 'Unix socket of a daemon that takes heartbeats as JSON-RPC; empty for none.',
      default: '',
      pattern: /^\/.{1,106}$/,
      allowed: 'an absolute path of at most 107 characters',
    }),
    interval: config.duration({ doc: 'Between two heartbeats to the daemon.', default: '10s', min: '1s', max: '5m' }),
    timeout: config.duration({ doc: 'How long its answer may take.', default: '2s', min: '100ms', max: '1m' }),
  },
  state_file: config.text({
    doc: 'File that tells a supervisor how the agent is, replaced every few seconds; empty for none.',
    default: '',
  }),
  adaptive: {
    enabled: config.bool({
      doc: 'Whether the limit of plans follows the processors and the memory that are left.',
      default: true,
    }),
    cpu_high: config.number({
      doc: 'Share of the time in which something waits for a processor, from which on fewer plans are taken.',
      default: 0.9,
      min: 0.02,
      max: 0.99,
      fraction: true,
    }),
    cpu_low: config.number({
      doc: 'The same share, at and below which more plans are taken again.',
      default: 0.6,
      min: 0.01,
      max: 0.98,
      fraction: true,
    }),
    memory_high: config.number({
      doc: 'Share of the memory in use from which on fewer plans are taken.',
      default: 0.92,
      min: 0.02,
      max: 0.99,
      fraction: true,
    }),
    memory_low: config.number({
      doc: 'The same share, at and below which more plans are taken again.',
      default: 0.85,
      min: 0.01,
      max: 0.98,
      fraction: true,
    }),
    sustain: config.duration({
      doc: 'How long it must be too much, or little enough, before the limit moves by one step.',
      default: '1m',
      min: '5s',
      max: '1h',
    }),
  },
  logging: {
    level: config.choice(['trace', 'debug', 'info', 'warn', 'error'], {
      doc: 'Least important level that is logged.',
      default: 'info',
    }),
    format: config.choice(['json', 'text'], {
      doc: 'One JSON object a line, or lines for people.',
      default: 'json',
    }),
    file: config.text({ doc: 'Log file; default standard error.', default: '' }),
    max_size: config.bytes({
      doc: 'Size from which the log file is put aside as `.1`; those before move on by one.',
      default: '20MB',
      min: '4KiB',
      max: '10GB',
    }),
    max_files: config.number({ doc: 'Log files put aside that are kept.', default: 5, min: 1, max: 100 }),
  },
};

export type AgentConfiguration = config.ConfigOf<typeof AGENT_SPEC>;

/** Keys whose new value counts as soon as it is read; every other one counts from the next start on. */
export const HOT_KEYS: ReadonlySet<string> = new Set([
  'agent.token',
  'capabilities.terraform_versions',
  'capabilities.providers',
  'labels',
  'resources.max_concurrent_jobs',
  'resources.spare_runners',
  'heartbeat.interval',
  'heartbeat.timeout',
  'http.token',
  'daemon.interval',
  'daemon.timeout',
  'logging.level',
  'adaptive.enabled',
  'adaptive.cpu_high',
  'adaptive.cpu_low',
  'adaptive.memory_high',
  'adaptive.memory_low',
  'adaptive.sustain',
]);

/** Keys that the server hears of when they change. */
export const TOLD_KEYS: ReadonlySet<string> = new Set([
  'agent.token',
  'capabilities.terraform_versions',
  'capabilities.providers',
  'labels',
  'resources.max_concurrent_jobs',
]);
