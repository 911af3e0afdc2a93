import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { listenOnLoopback } from '@groundcrew/testkit';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';

/** What the provider knows of its people; the key is what one says at its sign-in page. */
export type People = Record<string, Record<string, unknown>>;

const CLIENT = { client_id: 'groundcrew', client_secret: 'a secret of the test' };

/** A real provider on a port of its own, whose sign-in page takes `?as=<person>` for an answer. */
export async function startProvider(callbackUrl: string, people: People) {
  const server = createServer((request, response) => void handle(request, response));
  const { url, close } = await listenOnLoopback(server);
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const provider = new Provider(url, {
    clients: [
      { ...CLIENT, redirect_uris: [callbackUrl], grant_types: ['authorization_code'], response_types: ['code'] },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] },
    cookies: { keys: ['test'] },
    pkce: { required: () => true },
    claims: { openid: ['sub', 'email', 'email_verified', 'preferred_username', 'groups'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, sub) => ({ accountId: sub, claims: async () => ({ sub, ...people[sub] }) }),
  });

  /** Signs in whoever the browser says it is, and grants what was asked for. */
  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      const accountId = new URL(request.url ?? '', url).searchParams.get('as') ?? '';
      await provider.interactionFinished(request, response, { login: { accountId } });
      return;
    }
    const grant = new provider.Grant({
      accountId: session?.accountId ?? '',
      clientId: String(params.client_id),
    });
    grant.addOIDCScope(String(params.scope));
    await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!request.url?.startsWith('/interaction/')) return void provider.callback()(request, response);
    await interact(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  }
  return { url, close, ...CLIENT };
}

/** What a provider that lies puts into its ID token, and how it signs it. */
export interface Lie {
  claims?: Record<string, unknown>;
  /** `none` and `HS256` are tries at algorithm confusion; `stranger` is a key that is not in the key set. */
  sign?: 'RS256' | 'none' | 'HS256' | 'stranger';
}

const ANY_CODE = '*';

/** A provider that answers every code with an ID token made as the test says. */
export async function startLiar() {
  const [own, stranger] = [
    await generateKeyPair('RS256', { extractable: true }),
    await generateKeyPair('RS256', { extractable: true }),
  ];
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' };
  const publicBytes = new TextEncoder().encode(JSON.stringify(jwk));
  const prepared = new Map<string, Lie & { nonce: string }>();
  let traded = 0;

  async function idToken(code: string): Promise<string> {
    const { nonce, ...lie } = prepared.get(code) ?? prepared.get(ANY_CODE) ?? { nonce: '' };
    const claims = { iss: url, aud: CLIENT.client_id, sub: 'liar', nonce, email: 'liar@example.com', ...lie.claims };
    const { sign = 'RS256' } = lie;
    if (sign === 'none') {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const now = Math.floor(Date.now() / 1000);
      return `${part({ alg: 'none' })}.${part({ iat: now, exp: now + 60, ...claims })}.`;
    }
    const token = new SignJWT(claims).setIssuedAt();
    if (!('exp' in claims)) token.setExpirationTime('1m');
    token.setProtectedHeader({ alg: sign === 'HS256' ? 'HS256' : 'RS256', kid: 'k' });
    return token.sign(sign === 'HS256' ? publicBytes : sign === 'stranger' ? stranger.privateKey : own.privateKey);
  }

  async function answerOf(path: string, body: string): Promise<object> {
    if (path.startsWith('/.well-known/'))
      return {
        issuer: url,
        authorization_endpoint: `${url}/authorize`,
        token_endpoint: `${url}/token`,
        jwks_uri: `${url}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
      };
    if (path.startsWith('/jwks')) return { keys: [jwk] };
    traded += 1;
    const code = new URLSearchParams(body).get('code') ?? '';
    return { access_token: 'x', token_type: 'Bearer', id_token: await idToken(code) };
  }
  const server = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(await answerOf(request.url ?? '/', await text(request))));
  });
  const { url, close } = await listenOnLoopback(server);
  return {
    url,
    close,
    ...CLIENT,
    /** What the token for a code is like, for the trip whose nonce this is; without one, that for any code not prepared itself. */
    prepare(lie: Lie, nonce: string, code = ANY_CODE): void {
      prepared.set(code, { ...lie, nonce });
    },
    /** How many codes it was asked to trade so far. */
    traded: () => traded,
  };
}
