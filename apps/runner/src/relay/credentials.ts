import { createHmac } from 'node:crypto';
import { equalSecrets } from '@groundcrew/kit';
import type { BackendAccess } from '@groundcrew/terraform';

/** What Terraform needs to reach the relay, and nobody else knows. */
export interface RelayCredentials {
  path: string;
  username: string;
  password: string;
}

/**
 * Made from the attempt's secret, so that a successor's relay knows the same ones although nobody wrote them down. Whoever
 * reads them out of Terraform's environment learns nothing of the secret itself.
 */
export function deriveRelayCredentials(secret: string): RelayCredentials {
  const derive = (purpose: string) =>
    createHmac('sha256', secret).update(`groundcrew relay ${purpose}`).digest('base64url');
  return { path: `/state/${derive('path')}`, username: 'attempt', password: derive('password') };
}

/** The relay's address and credentials as Terraform's `http` back end takes them. */
export const backendAccess = (port: number, { path, username, password }: RelayCredentials): BackendAccess => ({
  address: `http://127.0.0.1:${port}${path}`,
  username,
  password,
});

/** True for a request's `Authorization` header that names these credentials. */
export const isAuthorised = (header: string | undefined, { username, password }: RelayCredentials): boolean =>
  equalSecrets(header ?? '', `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`);
