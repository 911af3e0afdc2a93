import type { AddressInfo, Server } from 'node:net';

export interface Listening {
  port: number;
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Ends connections too. */
  close(): Promise<void>;
}

/** Has a server (net, http) listen on a free port that only this machine can reach. */
export async function listenOnLoopback(server: Server & { closeAllConnections?: () => void }): Promise<Listening> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections?.();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
