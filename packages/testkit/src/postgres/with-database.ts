import type { DatabaseAddress } from '@groundcrew/server/platform/database';

/** The same PostgreSQL, another of its databases. */
export function withDatabase(address: DatabaseAddress, database: string): DatabaseAddress {
  if (!('connectionString' in address)) return { ...address, database };
  const url = new URL(address.connectionString);
  url.pathname = `/${database}`;
  return { connectionString: url.href };
}
