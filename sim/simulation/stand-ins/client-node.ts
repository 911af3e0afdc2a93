import { type Client, type ClientOptions, createClient, type Transport } from '@groundcrew/client';
import { currentProcess } from '../host/process.ts';
import { createTransport } from '../network/transport.ts';

/** Stands in for `@groundcrew/client/node`: the client is the product's, what carries its requests is not. */
export const createNodeClient = (options: Omit<ClientOptions, 'transport' | 'connect'>): Client =>
  createClient({ ...options, transport: createTransport(currentProcess()) });

export const createHttpTransport = (): Transport => createTransport(currentProcess());
