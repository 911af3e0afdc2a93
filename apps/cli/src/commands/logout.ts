import { ApiError, ConnectionError } from '@groundcrew/client';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { createCommand } from '../command.ts';
import { type Profile, readProfile, removeProfile, userProfilePath } from '../session/profile.ts';

export const logout = (cli: Cli): Command =>
  createCommand('logout', 'Forget the sign-in, and revoke the token that "login" made', cli, ['logout']).action(
    async () => {
      const path = userProfilePath(cli.io);
      const profile = await readProfile(path);
      if (profile === undefined) return cli.print({ signed_out: false }, () => 'You were not signed in.');
      const revoked = await revoke(cli, profile);
      await removeProfile(path);
      cli.print({ signed_out: true, revoked }, () =>
        revoked
          ? `Signed out of ${profile.url}; the token is revoked.`
          : `Signed out of ${profile.url}. The token itself still works until it is revoked or expires.`,
      );
    },
  );

/** A token that somebody brought is theirs to revoke; and a server that is away does not keep anybody signed in. */
async function revoke(cli: Cli, { url, token, token_id, ca_file, allow_insecure = false }: Profile): Promise<boolean> {
  if (token_id === undefined) return false;
  const client = cli.clientOf({ url, token, allowInsecure: allow_insecure, ...(ca_file && { caFile: ca_file }) });
  try {
    await client.call('revokeToken', { params: { token_id } }, { retry: 'never' });
    return true;
  } catch (error) {
    if (error instanceof ApiError || error instanceof ConnectionError) return false;
    throw error;
  }
}
