import { createHttpTransport } from '@groundcrew/client/node';
import type { AttemptState } from '../phases/index.ts';
import { backendAccess } from '../relay/index.ts';

const LOCK = JSON.stringify({ ID: 'rehearsal' });
const STATE = JSON.stringify({
  version: 4,
  terraform_version: '0.0.0',
  serial: 1,
  lineage: 'rehearsal',
  outputs: {},
  resources: [],
});

/** What Terraform asks of its state back end in an apply, in its order. */
export async function visitRelay({ relay, credentials }: AttemptState, signal: AbortSignal): Promise<void> {
  const { address, username, password } = backendAccess(relay.port, credentials);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const transport = createHttpTransport();
  const send = async (method: string, url: string, body?: string) => {
    const bytes = body === undefined ? {} : { body: Buffer.from(body) };
    await (await transport.send({ method, url, headers: { authorization }, ...bytes, signal })).bytes();
  };
  try {
    await send('LOCK', address, LOCK);
    await send('GET', address);
    await send('POST', `${address}?ID=rehearsal`, STATE);
    await send('UNLOCK', address, LOCK);
  } finally {
    transport.close();
  }
}
