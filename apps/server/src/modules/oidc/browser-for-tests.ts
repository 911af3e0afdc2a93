import type { ErrorBody } from '@groundcrew/protocol';
import type { TestServer } from '../../injected-server-for-tests.ts';

/** Where browsers think the server under test is; nothing listens there. */
export const PUBLIC = 'http://127.0.0.1:18400';
export const CALLBACK = `${PUBLIC}/api/v1/sign-in/oidc/callback`;

/** What a provider says of somebody. */
export const person = (name: string, groups: string[], more: object = {}) => ({
  email: `${name}@example.com`,
  email_verified: true,
  preferred_username: name,
  groups,
  ...more,
});

/** How a server is told of a provider. */
export const settingsOf = (provider: { url: string; client_id: string; client_secret: string }) => ({
  GROUNDCREW_OIDC_ISSUER: provider.url,
  GROUNDCREW_OIDC_CLIENT_ID: provider.client_id,
  GROUNDCREW_OIDC_CLIENT_SECRET: provider.client_secret,
});

/** A browser with cookies for the server under test and for the provider. */
export function createBrowser(it: TestServer) {
  const jar = new Map<string, Map<string, string>>();
  const keep = (origin: string, set: readonly string[]) => {
    const cookies = jar.get(origin) ?? new Map<string, string>();
    jar.set(origin, cookies);
    for (const cookie of set) {
      const [pair = ''] = cookie.split(';');
      const at = pair.indexOf('=');
      if (/Max-Age=0|expires=Thu, 01 Jan 1970/i.test(cookie)) cookies.delete(pair.slice(0, at));
      else cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
  };
  const cookieOf = (origin: string) =>
    [...(jar.get(origin) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');

  /** One request, wherever it goes; ours are made without a network. */
  async function visit(url: string): Promise<{ status: number; location: string | undefined; body: string }> {
    const { origin } = new URL(url);
    if (origin !== PUBLIC) {
      const answer = await fetch(url, { redirect: 'manual', headers: { cookie: cookieOf(origin) } });
      keep(origin, answer.headers.getSetCookie());
      const location = answer.headers.get('location');
      return {
        status: answer.status,
        location: location ? new URL(location, url).href : undefined,
        body: await answer.text(),
      };
    }
    const answer = await it.server.http.app.inject({
      url: url.slice(origin.length),
      headers: { cookie: cookieOf(origin) },
    });
    keep(origin, [answer.headers['set-cookie'] ?? []].flat());
    return { status: answer.statusCode, location: answer.headers.location as string | undefined, body: answer.body };
  }

  /** From the button to the provider and back to the callback's address, which is not visited yet. */
  async function goTo(as: string, query = ''): Promise<string> {
    let url = `${PUBLIC}/api/v1/sign-in/oidc${query}`;
    for (let hops = 0; hops < 12; hops += 1) {
      const { location, body } = await visit(url.includes('/interaction/') ? `${url}?as=${as}` : url);
      if (location === undefined) throw new Error(`The way to the provider ended at ${url}: ${body}`);
      if (location.startsWith(CALLBACK)) return location;
      url = location;
    }
    throw new Error('The provider sends the browser round and round.');
  }
  return { visit, goTo, cookies: () => cookieOf(PUBLIC), signOn: async (as: string) => visit(await goTo(as)) };
}

export const codeOf = ({ body }: { body: string }) => (JSON.parse(body) as ErrorBody).code;
