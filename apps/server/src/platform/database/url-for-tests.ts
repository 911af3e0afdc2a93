import type { DatabaseAddress } from './address.ts';

/** The address as `DATABASE_URL` gives it; of another database there when `name` is given. */
export const toUrl = (address: DatabaseAddress, name?: string): string => {
  if ('connectionString' in address) {
    const given = new URL(address.connectionString);
    if (name !== undefined) given.pathname = `/${name}`;
    return given.href;
  }
  const { host, port, user, password, database: own } = address;
  const query = new URLSearchParams({ host, port: String(port) });
  return `postgresql://${user}:${encodeURIComponent(password)}@localhost/${name ?? own}?${query}`;
};
