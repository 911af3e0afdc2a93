import type {
  Agent,
  ApiTokenCreated,
  LogStream,
  Pool,
  StateVersion,
  Task,
  Variable,
  Workspace,
} from '@groundcrew/protocol';

const TIME = '2026-11-21T10:00:00.000Z';
/** Ids of the tests' own things; the brands say what they are. */
export const IDS = {
  workspace: 'ws-aaaaaaaaaaaaaaaaaaaa',
  task: 'task-aaaaaaaaaaaaaaaaaaaa',
  attempt: 'att-aaaaaaaaaaaaaaaaaaaa',
  pool: 'pool-aaaaaaaaaaaaaaaaaaaa',
  agent: 'agent-aaaaaaaaaaaaaaaaaaaa',
  configuration: 'cv-aaaaaaaaaaaaaaaaaaaa',
  variable: 'var-aaaaaaaaaaaaaaaaaaaa',
  state: 'sv-aaaaaaaaaaaaaaaaaaaa',
  token: 'tok-aaaaaaaaaaaaaaaaaaaa',
  user: 'user-aaaaaaaaaaaaaaaaaaaa',
  organization: 'org-aaaaaaaaaaaaaaaaaaaa',
} as const;

type Loose<T> = { [K in keyof T]?: T[K] };

export const aWorkspace = (more: Loose<Workspace> = {}): Workspace =>
  ({
    workspace_id: IDS.workspace,
    name: 'hello',
    description: '',
    organization_id: IDS.organization,
    tool: 'terraform',
    terraform_version: null,
    execution_mode: 'server',
    agent_pool_id: null,
    k8s_config_id: null,
    labels: [],
    auto_approve: false,
    working_directory: '',
    provider_config: null,
    tf_code: null,
    system_variables: {},
    plan_timeout_seconds: 3600,
    apply_timeout_seconds: 21_600,
    locked: null,
    hold_task_id: null,
    configuration_id: null,
    tf_state: null,
    quarantined_states: 0,
    metadata: {},
    created_at: TIME,
    updated_at: TIME,
    ...more,
  }) as Workspace;

export const aTask = (more: Loose<Task> = {}): Task =>
  ({
    id: IDS.task,
    workspace_id: IDS.workspace,
    workspace_name: 'hello',
    task_type: 'plan_and_apply',
    action: 'plan',
    status: 'pending',
    stage: null,
    phase: 'plan',
    reason: null,
    waiting: null,
    cancel_level: 0,
    auto_approve: false,
    destroy: false,
    refresh_only: false,
    targets: [],
    replace: [],
    parallelism: null,
    configuration_id: null,
    agent_id: null,
    agent_name: null,
    k8s_config_id: null,
    k8s_pod_name: null,
    execution_node: null,
    plan: null,
    changes_add: null,
    changes_change: null,
    changes_destroy: null,
    changes_replace: null,
    changes_import: null,
    progress: null,
    contact_lost_since: null,
    duration: null,
    error_message: null,
    message: '',
    context: {},
    created_by: 'admin',
    created_at: TIME,
    started_at: null,
    completed_at: null,
    ...more,
  }) as Task;

/** A task whose plan is there. */
export const aPlannedTask = (more: Loose<Task> = {}): Task =>
  aTask({
    plan: {
      attempt_id: IDS.attempt,
      checksum: 'c'.repeat(64),
      has_changes: true,
      lineage: null,
      serial: null,
      expires_at: TIME,
    } as Task['plan'],
    changes_add: 4,
    changes_change: 0,
    changes_destroy: 0,
    changes_replace: 0,
    changes_import: 0,
    duration: 1.5,
    ...more,
  });

export const aStream = (phase: 'plan' | 'apply', attempt = 1): LogStream =>
  ({ task_id: IDS.task, phase, attempt, attempt_id: IDS.attempt }) as LogStream;

export const aVariable = (more: Loose<Variable> = {}): Variable =>
  ({
    id: IDS.variable,
    workspace_id: IDS.workspace,
    key: 'name',
    value: 'Ada',
    category: 'terraform',
    hcl: false,
    sensitive: false,
    description: '',
    created_at: TIME,
    updated_at: TIME,
    ...more,
  }) as Variable;

export const aStateVersion = (more: Loose<StateVersion> = {}): StateVersion =>
  ({
    id: IDS.state,
    workspace_id: IDS.workspace,
    version: 1,
    serial: 5,
    lineage: 'aaaa',
    checksum: 'a'.repeat(64),
    size: 1234,
    standing: 'current',
    standing_reason: null,
    terraform_version: '1.11.4',
    resource_count: 4,
    outputs: {
      greeting: { value: 'Hello, world!', type: 'string', sensitive: false },
      key: { value: null, type: 'string', sensitive: true },
    },
    task_id: IDS.task,
    attempt_id: IDS.attempt,
    created_by: 'admin',
    message: '',
    created_at: TIME,
    ...more,
  }) as StateVersion;

export const aPool = (more: Loose<Pool> = {}): Pool =>
  ({
    id: IDS.pool,
    name: 'eu-west',
    description: '',
    pool_type: 'dynamic',
    selection_strategy: 'round_robin',
    required_labels: [],
    labels: [],
    max_plan_concurrency: 3,
    allow_apply_concurrent: false,
    built_in: false,
    agent_ids: [IDS.agent],
    metadata: {},
    created_at: TIME,
    updated_at: TIME,
    ...more,
  }) as Pool;

export const anAgent = (more: Loose<Agent> = {}): Agent =>
  ({
    id: IDS.agent,
    agent_id: 'host-1',
    name: 'host-1',
    description: '',
    agent_type: 'remote',
    pool_id: IDS.pool,
    status: 'online',
    labels: ['region=eu'],
    capabilities: { terraform_versions: ['1.11.4'], tofu_versions: [], installs_versions: true, providers: [] },
    permissions: {
      can_execute_terraform: true,
      can_access_secrets: true,
      allowed_workspaces: null,
      allowed_providers: null,
    },
    limits: { max_concurrent_jobs: 3 },
    endpoint: null,
    version: '0.1.0',
    token_expires_at: null,
    last_heartbeat_at: TIME,
    last_heartbeat: null,
    connected: true,
    draining: false,
    running_attempts: 1,
    total_tasks: 3,
    success_tasks: 2,
    failed_tasks: 1,
    metadata: {},
    created_at: TIME,
    updated_at: TIME,
    deleted_at: null,
    ...more,
  }) as Agent;

export const aPage = <T>(...items: T[]) => ({ items, next_cursor: null });

/** What making an API token gives. */
export const aCreatedToken = (more: Loose<ApiTokenCreated> = {}): ApiTokenCreated =>
  ({
    id: IDS.token,
    user_id: IDS.user,
    name: 'x',
    kind: 'api',
    scopes: null,
    workspace_ids: null,
    created_at: TIME,
    expires_at: null,
    last_used_at: null,
    revoked_at: null,
    token: 'gct_test',
    ...more,
  }) as unknown as ApiTokenCreated;
