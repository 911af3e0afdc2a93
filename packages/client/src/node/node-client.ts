import { type Client, type ClientOptions, createClient } from '../client.ts';
import { createHttpTransport, type HttpTransportOptions } from './http-transport.ts';

export interface NodeClientOptions extends Omit<ClientOptions, 'transport'>, HttpTransportOptions {}

/** A client on `node:http(s)` with keep-alive connections of its own. */
export const createNodeClient = (options: NodeClientOptions): Client =>
  createClient({ ...options, transport: createHttpTransport(options) });
