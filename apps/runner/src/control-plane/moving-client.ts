import type { CallOptions, Client } from '@groundcrew/client';

/** A client whose server may move. */
export interface MovingClient<A> {
  /** Whatever is under way when the server moves is asked again there; sound, because every call of a runner's may be repeated. */
  readonly client: Client;
  /** From now on the server is there. Nothing changes when it is there already. */
  moveTo(address: A): void;
}

/** A call as the client makes it, whatever the route. */
type AnyCall = (name: string, input?: unknown, options?: CallOptions) => Promise<unknown>;

/** @param connect makes a client of the server at an address */
export function createMovingClient<A>(first: A, connect: (address: A) => Client): MovingClient<A> {
  let at = arriveAt(first, connect);

  async function follow(kind: 'call' | 'open', name: string, input: unknown, options: CallOptions): Promise<unknown> {
    for (;;) {
      const { client, left } = at;
      const signal = options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
      try {
        return await (client[kind] as AnyCall)(name, input, { ...options, signal });
      } catch (error) {
        if (!left.signal.aborted || options.signal?.aborted) throw error;
      }
    }
  }

  const client = {
    get baseUrl() {
      return at.client.baseUrl;
    },
    call: (name: string, input?: unknown, options: CallOptions = {}) => follow('call', name, input, options),
    open: (name: string, input?: unknown, options: CallOptions = {}) => follow('open', name, input, options),
    socket: (options: Parameters<Client['socket']>[0]) => at.client.socket(options),
    preconnect: () => at.client.preconnect(),
    close: () => at.client.close(),
  };
  return {
    client: client as Client,
    moveTo(address) {
      if (JSON.stringify(address) === at.key) return;
      const before = at;
      at = arriveAt(address, connect);
      before.left.abort(new Error('the server has moved'));
      before.client.close();
    },
  };
}

const arriveAt = <A>(address: A, connect: (address: A) => Client) => ({
  key: JSON.stringify(address),
  client: connect(address),
  left: new AbortController(),
});
