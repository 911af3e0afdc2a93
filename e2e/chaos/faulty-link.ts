import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';

/** How a link behaves. */
type LinkMode =
  /** As if it were not there. */
  | { kind: 'open' }
  /** Every connection is reset, new ones as soon as they come. */
  | { kind: 'cut' }
  /** Connections stay and new ones are taken, but nothing is carried; it waits in the buffers on the way. */
  | { kind: 'stalled' }
  /** Every piece arrives so much later. */
  | { kind: 'slow'; delayMs: number };

/** A TCP link with faults, between a host and the server. */
export interface FaultyLink {
  /** What the host takes for the server's address. */
  readonly url: string;
  setMode(mode: LinkMode): void;
  /** Resets the connections there are; new ones are treated by the mode. */
  resetAll(): void;
  close(): void;
}

interface Pair {
  readonly inner: Socket;
  readonly outer: Socket;
}

/** @param target the real server */
export async function startFaultyLink(target: string): Promise<FaultyLink> {
  const { hostname, port } = new URL(target);
  const pairs = new Set<Pair>();
  let mode: LinkMode = { kind: 'open' };

  const listener = createServer((outer) => {
    if (mode.kind === 'cut') return void outer.resetAndDestroy();
    const pair = { outer, inner: createConnection({ host: hostname, port: Number(port) }) };
    pairs.add(pair);
    carry(pair.outer, pair.inner);
    carry(pair.inner, pair.outer);
    if (mode.kind === 'stalled') pause(pair);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  function carry(from: Socket, to: Socket): void {
    from.setNoDelay(true);
    from.on('data', (piece) => later(() => !to.destroyed && to.write(piece)));
    from.on('end', () => later(() => to.end()));
    // The one side's end, however rude, is the other side's.
    from.on('error', () => later(() => to.destroyed || to.resetAndDestroy()));
    from.on('close', () => forget(from));
  }

  /** In order even when the delay changes: the timers of one delay keep theirs, and a shorter delay comes with a reset. */
  function later(deliver: () => void): void {
    if (mode.kind === 'slow') setTimeout(deliver, mode.delayMs);
    else deliver();
  }

  function forget(socket: Socket): void {
    for (const pair of pairs)
      if ((pair.inner === socket || pair.outer === socket) && pair.inner.destroyed && pair.outer.destroyed)
        pairs.delete(pair);
  }

  function resetAll(): void {
    for (const { inner, outer } of pairs) for (const socket of [inner, outer]) socket.resetAndDestroy();
    pairs.clear();
  }

  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    setMode(next) {
      // Pieces under way in a slow link must not be overtaken by later ones.
      if (mode.kind === 'slow' || next.kind === 'cut') resetAll();
      if (next.kind === 'stalled') pairs.forEach(pause);
      else if (mode.kind === 'stalled') pairs.forEach(resume);
      mode = next;
    },
    resetAll,
    close() {
      listener.close();
      resetAll();
    },
  };
}

function pause({ inner, outer }: Pair): void {
  inner.pause();
  outer.pause();
}

function resume({ inner, outer }: Pair): void {
  inner.resume();
  outer.resume();
}
