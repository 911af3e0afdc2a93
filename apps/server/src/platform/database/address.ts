import type { ClientConfig } from 'pg';
import { typeParsers } from './type-parsers.ts';

/** Where a database is and how to sign on: a URL as `DATABASE_URL` gives it, or what the embedded one tells. */
export type DatabaseAddress = { connectionString: string } | SocketAddress;

export interface SocketAddress {
  /** The folder of a unix socket. */
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
}

/** Limits that PostgreSQL itself keeps for every session of ours, in milliseconds. */
export interface SessionLimits {
  /** Longest run of one statement; 30,000 when not given, 0 for no limit. */
  statementTimeoutMs?: number;
  /** Longest wait for a lock; 10,000 when not given. */
  lockTimeoutMs?: number;
  /** How long a transaction may do nothing before its session is ended; 60,000 when not given. */
  idleInTransactionTimeoutMs?: number;
}

/** How long one try to connect may take before it counts as failed. */
const CONNECT_TIMEOUT_MS = 5_000;

/** What `pg` needs to open a session. `purpose` shows in `pg_stat_activity` as `groundcrew <purpose>`. */
export function toClientConfig(address: DatabaseAddress, purpose: string, limits: SessionLimits = {}): ClientConfig {
  const { statementTimeoutMs = 30_000, lockTimeoutMs = 10_000, idleInTransactionTimeoutMs = 60_000 } = limits;
  return {
    ...address,
    application_name: `groundcrew ${purpose}`,
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types: typeParsers,
  };
}
