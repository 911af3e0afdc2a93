import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { errno } from '../disk/errno.ts';
import type { Process, SocketListener } from '../world.ts';
import { currentProcess } from './process.ts';

// Unix sockets of a simulated host: what `node:net` is to the product.

const HOP_MS = 0.1;

/** One end of a connection between two processes of a host. */
export class Socket extends Duplex {
  readonly process: Process;
  peer: Socket | undefined;

  constructor(process: Process) {
    super({ allowHalfOpen: false });
    this.process = process;
    const drop = () => this.hangUp();
    process.atExit.add(drop);
    this.once('close', () => process.atExit.delete(drop));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#tell((peer) => peer.push(chunk));
    this.process.after(HOP_MS, done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#tell((peer) => peer.push(null));
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.hangUp();
    done(error);
  }

  /** The other end notices that this one is gone. */
  hangUp(): void {
    this.#tell((peer) => {
      peer.push(null);
      peer.process.after(HOP_MS, () => peer.destroy());
    });
  }

  #tell(act: (peer: Socket) => void): void {
    const { peer } = this;
    if (peer !== undefined) peer.process.after(HOP_MS, () => void (peer.destroyed || act(peer)));
  }
}

class Server extends EventEmitter {
  readonly #process = currentProcess();
  readonly #onSocket: (socket: Socket) => void;
  readonly #open = new Set<Socket>();
  #path: string | undefined;
  #closing: (() => void) | undefined;

  constructor(onSocket: (socket: Socket) => void) {
    super();
    this.#onSocket = onSocket;
  }

  listen({ path }: { path: string }, done: () => void): void {
    const { host } = this.#process;
    this.#process.after(HOP_MS, () => {
      host.disk.makeFile(path, false);
      this.#path = path;
      const listener: SocketListener = { process: this.#process, accept: (socket) => this.#accept(socket as Socket) };
      host.sockets.set(path, listener);
      this.#process.atExit.add(() => {
        if (host.sockets.get(path) === listener) host.sockets.delete(path);
      });
      done();
    });
  }

  close(done: () => void): void {
    if (this.#path !== undefined) this.#process.host.sockets.delete(this.#path);
    this.#closing = done;
    this.#check();
  }

  #accept(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#check();
    });
    this.#onSocket(socket);
  }

  #check(): void {
    if (this.#open.size > 0 || this.#closing === undefined) return;
    this.#process.after(0, this.#closing);
    this.#closing = undefined;
  }
}

export const createServer = (onSocket: (socket: Socket) => void): Server => new Server(onSocket);

export function createConnection({ path }: { path: string }): Socket {
  const process = currentProcess();
  const socket = new Socket(process);
  process.after(HOP_MS, () => {
    const listener = process.host.sockets.get(path);
    if (listener === undefined) return void socket.destroy(errno('ECONNREFUSED', 'connect', path));
    const other = new Socket(listener.process);
    socket.peer = other;
    other.peer = socket;
    listener.process.after(HOP_MS, () => listener.accept(other));
    process.after(2 * HOP_MS, () => socket.emit('connect'));
  });
  return socket;
}
