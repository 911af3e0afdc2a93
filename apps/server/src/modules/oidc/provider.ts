import type { Configuration } from 'openid-client';
import { AppError } from '../../platform/http/index.ts';
import type { Trip } from './trip.ts';

export interface ProviderOptions {
  issuer: string;
  clientId: string;
  clientSecret: string | undefined;
  scopes: readonly string[];
  /** Where the provider sends browsers back to. */
  callbackUrl: string;
  now: () => number;
  /** Told why somebody could not sign on; they themselves are told less. */
  onTrouble: (error: unknown) => void;
}

/** Who the provider says somebody is. */
export type ProviderClaims = Record<string, unknown> & { sub: string; iss: string };

const TIMEOUT_SECONDS = 10;
/** A provider that could not be reached is left alone for so long, however many people ask. */
const REST_SECONDS = 5;

/**
 * The OpenID provider, over a certified client library that is loaded when first needed. Its metadata is read once, and again
 * some seconds after a failure; its keys whenever one is used that is not known.
 */
export function createProvider(options: ProviderOptions) {
  const { issuer, clientId, clientSecret, scopes, callbackUrl, now, onTrouble } = options;
  let discovered: Promise<Configuration> | undefined;
  let restsUntilMs = 0;

  async function discover(): Promise<Configuration> {
    const client = await import('openid-client');
    const url = new URL(issuer);
    const authentication = clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret);
    const execute = [
      // Besides coming over TLS from the provider itself, the ID token must bear its signature.
      client.enableNonRepudiationChecks,
      ...(url.protocol === 'http:' && isLoopback(url) ? [client.allowInsecureRequests] : []),
    ];
    return client.discovery(url, clientId, undefined, authentication, { execute, timeout: TIMEOUT_SECONDS });
  }

  async function configuration(): Promise<Configuration> {
    const restMs = restsUntilMs - now();
    // A clock that was set back must not make it rest for longer.
    if (discovered === undefined && restMs > 0 && restMs <= REST_SECONDS * 1000) throw unreachable();
    discovered ??= discover().catch((error: unknown) => {
      discovered = undefined;
      restsUntilMs = now() + REST_SECONDS * 1000;
      onTrouble(error);
      throw unreachable();
    });
    return discovered;
  }

  /** Where to send the browser. */
  async function authorizationUrl({ state, nonce, codeVerifier }: Trip): Promise<string> {
    const [client, config] = await Promise.all([import('openid-client'), configuration()]);
    return client.buildAuthorizationUrl(config, {
      redirect_uri: callbackUrl,
      scope: scopes.join(' '),
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    }).href;
  }

  /**
   * Trades the code that the browser brought for the claims of a verified ID token: signature, algorithm, issuer, audience,
   * nonce and times are those the provider and this trip call for. Errors: `unauthenticated` for whatever is wrong.
   */
  async function claimsOf(search: string, { state, nonce, codeVerifier }: Trip): Promise<ProviderClaims> {
    const [client, config] = await Promise.all([import('openid-client'), configuration()]);
    try {
      const tokens = await client.authorizationCodeGrant(config, new URL(callbackUrl + search), {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: codeVerifier,
        idTokenExpected: true,
      });
      return tokens.claims() as ProviderClaims;
    } catch (error) {
      onTrouble(error);
      throw new AppError('unauthenticated', 'The OpenID provider’s answer was not accepted; sign on again.');
    }
  }

  return { issuer, authorizationUrl, claimsOf };
}
const unreachable = (): AppError =>
  new AppError('unavailable', 'The OpenID provider cannot be reached just now; try again in a moment.', undefined, {
    retryAfterSeconds: REST_SECONDS,
  });
export type Provider = ReturnType<typeof createProvider>;

const isLoopback = ({ hostname }: URL): boolean => ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
