import type { RunningServer } from '../harness/index.ts';
import { type Place, placeOf } from './finder.ts';

/** Everything that comes over one of the server's sockets. */
export interface SocketRecord {
  place(): Place;
  close(): void;
}

/** @param path with its query, from the root */
export function recordSocket(server: RunningServer, path: string): SocketRecord {
  const url = `${server.url.replace(/^http/, 'ws')}${path}`;
  const frames: string[] = [];
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${server.token}` } } as unknown as string[]);
  socket.addEventListener('message', ({ data }) => void frames.push(String(data)));
  return { place: () => placeOf(`socket ${path.split('?')[0]}`, frames.join('\n')), close: () => socket.close() };
}
