import { type Client, type ClientOptions, createClient } from '../client.ts';
import { createHttpTransport, type HttpTransportOptions } from './http-transport.ts';
import { createWsSocketFactory } from './ws-socket.ts';

export interface NodeClientOptions extends Omit<ClientOptions, 'transport' | 'connect'>, HttpTransportOptions {}

/** A client on `node:http(s)` and `ws`, with keep-alive connections of its own. */
export const createNodeClient = (options: NodeClientOptions): Client =>
  createClient({ ...options, transport: createHttpTransport(options), connect: createWsSocketFactory(options) });
