import { config } from '@groundcrew/kit';

/** Everything an agent can be told. The keys are those of the documented file; each can come from the environment as well. */
const AGENT_SPEC = {
  agent: {
    name: config.optional(
      config.text({
        doc: 'Name that people see; default the host name.',
        pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,89}$/,
        env: ['AGENT_NAME'],
      }),
    ),
    agent_id: config.optional(
      config.text({
        doc: "The agent's own id; default host name and a random part, kept in the work folder.",
        pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
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
    terraform_versions: config.list({ doc: 'Terraform versions to offer beside those found on PATH.', default: [] }),
    providers: config.list({ doc: 'Providers it can reach; empty says nothing about them.', default: [] }),
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
  labels: config.list({ doc: 'Labels the agent reports, `key=value` or bare words.', default: [] }),
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
  logging: {
    level: config.choice(['trace', 'debug', 'info', 'warn', 'error'], {
      doc: 'Least important level that is logged.',
      default: 'info',
    }),
    file: config.text({ doc: 'Log file; default standard error.', default: '' }),
  },
};

export type AgentConfiguration = config.ConfigOf<typeof AGENT_SPEC>;

/** Reads the YAML file, if there is one, and the environment over it; throws one error with every mistake. */
export function readAgentConfiguration(path: string | undefined, env: NodeJS.ProcessEnv): AgentConfiguration {
  return config.readConfig(AGENT_SPEC, {
    env,
    envPrefix: 'GROUNDCREW',
    ...(path === undefined ? {} : { file: { path } }),
  });
}
