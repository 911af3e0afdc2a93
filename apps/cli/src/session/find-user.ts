import type { Client } from '@groundcrew/client';
import { type MachineClient, type User, UserId } from '@groundcrew/protocol';
import { CliError } from '../cli-error.ts';
import { collectPages } from './pages.ts';

const ALL = 10_000;

/** A user by name, e-mail address or id. */
export async function findUser(client: Client, text: string): Promise<User> {
  const users = await collectPages(ALL, (query) => client.call('listUsers', { query }));
  const wanted = text.toLowerCase();
  const found =
    users.find(({ id, name }) => id === text || name.toLowerCase() === wanted) ??
    users.find(({ email }) => email?.toLowerCase() === wanted);
  return found ?? missing('user', text, users);
}

/** The id of a user; one that is given needs no right to read users. */
export async function findUserId(client: Client, text: string): Promise<UserId> {
  const id = UserId.safeParse(text);
  return id.success ? id.data : (await findUser(client, text)).id;
}

/** A machine client by name or id. */
export async function findMachineClient(client: Client, text: string): Promise<MachineClient> {
  const clients = await collectPages(ALL, (query) => client.call('listClients', { query }));
  const found = clients.find(({ id, name }) => id === text || name.toLowerCase() === text.toLowerCase());
  return found ?? missing('machine client', text, clients);
}

/** So many names are enough to remember the right one. */
const TOLD = 20;

function missing(noun: string, text: string, all: readonly { name: string }[]): never {
  const names = all.slice(0, TOLD).map(({ name }) => name);
  const more = all.length > TOLD ? ', …' : '';
  throw new CliError(`There is no ${noun} ${JSON.stringify(text)}. There are: ${names.join(', ') || 'none'}${more}.`, {
    code: 'not_found',
  });
}
