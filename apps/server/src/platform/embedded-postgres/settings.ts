/** PostgreSQL settings by name. */
export type Settings = Readonly<Record<string, string>>;

/**
 * Durable as PostgreSQL is by default, small, and quick for queue tables whose rows change many times a minute. Given on the
 * command line at each start, so that they belong to this version of the program and not to a data folder's past.
 */
const SETTINGS: Settings = {
  listen_addresses: '',
  port: '5432',
  unix_socket_permissions: '0700',
  max_connections: '60',
  // A commit that was answered is on disk. fdatasync measured as good as open_datasync here, and is Linux's default.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '64MB',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  // No replicas stream from it.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_replication_slots: '0',
  max_logical_replication_workers: '0',
  // Bounds the log to be replayed after a crash, and with it the time until the server is back.
  max_wal_size: '256MB',
  min_wal_size: '80MB',
  // Plans here take microseconds; compiling them or splitting them among processes costs more than it saves.
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  io_method: 'sync',
  // Queue rows die young: clean them up at 2 % + 200 instead of 20 %, and look every 15 s instead of every minute.
  autovacuum_naptime: '15s',
  autovacuum_max_workers: '2',
  autovacuum_vacuum_scale_factor: '0.02',
  autovacuum_vacuum_threshold: '200',
  autovacuum_analyze_scale_factor: '0.05',
  autovacuum_vacuum_cost_delay: '1ms',
  // Errors go to whoever sent the statement. Statements and values, which may be secrets, go into no file.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_checkpoints: 'off',
  log_autovacuum_min_duration: '-1',
  log_statement: 'none',
  log_line_prefix: '%m [%p] ',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** Arguments of the `postgres` program. */
export function postgresArguments(dataFolder: string, socketFolder: string, more: Settings = {}): string[] {
  const settings = { ...SETTINGS, unix_socket_directories: socketFolder, ...more };
  return ['-D', dataFolder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** Name of the one role, which owns everything. */
export const ROLE = 'groundcrew';

/** Arguments of `initdb` for a new data folder. */
export function initdbArguments(newFolder: string, passwordFile: string): string[] {
  return [
    `--pgdata=${newFolder}`,
    `--username=${ROLE}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // PostgreSQL's own Unicode rules: the same order on every system, for ever, so that no index breaks with a new libc.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    // Stretching is for passwords that people choose; ours has 256 random bits, and every new session would pay for it.
    '--set=scram_iterations=1',
    '--no-instructions',
  ];
}
