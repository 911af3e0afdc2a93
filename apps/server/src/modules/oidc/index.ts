import { AppError, type Handlers, rawAnswer } from '../../platform/http/index.ts';
import { createOidcService, type OidcDeps } from './service.ts';
import { deleteOldStates } from './store.ts';

export type { PersonRules } from './person.ts';
export { createProvider } from './provider.ts';

/** Sign-on through an OpenID provider; without one its routes say so. */
export function createOidcModule(deps: OidcDeps | undefined) {
  const service = deps && createOidcService(deps);
  function demandService() {
    if (service === undefined)
      throw new AppError('not_found', 'This server has no OpenID provider configured (oidc.issuer).');
    return service;
  }

  const handlers = {
    startOidc: async ({ caller, query }) => goTo(await demandService().start(caller.request, query)),
    finishOidc: async ({ caller, query }) => {
      const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const search = `?${new URLSearchParams(given)}`;
      return goTo(await demandService().finish(caller.request, query.state, search));
    },
  } satisfies Partial<Handlers>;
  return { handlers, sweep: async (): Promise<void> => deps && deleteOldStates(deps.db) };
}

const goTo = (location: string) =>
  rawAnswer({
    buffer: Buffer.from('Go on to the address in the Location header.\n'),
    status: 302,
    headers: { location },
  });
