import { Client } from 'pg';
import { type DatabaseAddress, type SessionLimits, toClientConfig } from './address.ts';
import { translateConnectError } from './translate-error.ts';

/** A session of one's own, outside the pool. */
export type Session = Client;

/**
 * Opens a session for what belongs to a session: LISTEN, advisory locks, migrations. The caller listens for `error` and `end`
 * if it lives on, and ends it.
 */
export async function connect(address: DatabaseAddress, purpose: string, limits: SessionLimits = {}): Promise<Session> {
  const client = new Client(toClientConfig(address, purpose, limits));
  // Node ends the process for an `error` event that nobody hears.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    void client.end().catch(() => {});
    throw translateConnectError(error);
  }
}
