import { signOnSettings, startSignOnProvider } from '@groundcrew/server/conformance/sign-in-for-tests';
import { findFreePort, type Lab } from '../harness/index.ts';
import type { FuzzedServer } from './ground.ts';

/** A server whose people may also sign on through a provider, without an agent of its own that would take what is offered. */
export async function startFuzzedServer(lab: Lab): Promise<FuzzedServer> {
  const provider = await startSignOnProvider();
  lab.onEnded(() => void provider.close());
  const port = await findFreePort();
  const settings: Record<string, string> = {
    ...signOnSettings(provider),
    BUILT_IN_AGENT_ENABLED: 'false',
    LISTEN_PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
  };
  const env = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`GROUNDCREW_${key}`, value]));
  return { server: await lab.startServer({ env }), provider };
}
