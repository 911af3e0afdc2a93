import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { errno } from '../disk/errno.ts';
import type { HttpListener, LoopbackAnswer, LoopbackRequest } from '../world.ts';
import { currentProcess } from './process.ts';

// HTTP over the loopback interface of a simulated host: the relay listens, Terraform asks.

const HOP_MS = 0.2;

/** What a server's handler reads. */
class IncomingMessage extends Readable {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor({ method, url, headers, body }: LoopbackRequest) {
    super({ read() {} });
    this.method = method;
    this.url = url;
    this.headers = headers;
    if (body.length > 0) this.push(body);
    this.push(null);
  }
}

class ServerResponse extends Writable {
  statusCode = 200;
  readonly #chunks: Buffer[] = [];
  readonly #answer: (answer: LoopbackAnswer | undefined) => void;

  constructor(answer: (answer: LoopbackAnswer | undefined) => void) {
    super();
    this.#answer = answer;
  }

  get headersSent(): boolean {
    return this.#chunks.length > 0 || this.writableEnded;
  }

  setHeader(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  override _final(done: () => void): void {
    this.#answer({ status: this.statusCode, body: Buffer.concat(this.#chunks) });
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#answer(undefined);
    done(error);
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

class HttpServer extends EventEmitter {
  keepAliveTimeout = 0;
  requestTimeout = 0;
  readonly #process = currentProcess();
  readonly #handler: Handler;
  #port = 0;

  constructor(handler: Handler) {
    super();
    this.#handler = handler;
  }

  listen({ port }: { port: number }, done: () => void): void {
    const { host } = this.#process;
    this.#process.after(HOP_MS, () => {
      if (host.ports.has(port)) return void this.emit('error', errno('EADDRINUSE', 'listen', String(port)));
      this.#port = port === 0 ? host.nextPort() : port;
      host.ports.set(this.#port, this.#listener);
      this.#process.atExit.add(() => this.#leave());
      done();
    });
  }

  readonly #listener: HttpListener = {
    process: this.#process,
    serve: (request, answer) => this.#handler(new IncomingMessage(request), new ServerResponse(answer)),
  };

  #leave(): void {
    const { ports } = this.#process.host;
    if (ports.get(this.#port) === this.#listener) ports.delete(this.#port);
  }

  address(): { port: number } {
    return { port: this.#port };
  }

  close(done: () => void): void {
    this.#leave();
    this.#process.after(HOP_MS, done);
  }

  closeAllConnections(): void {}
}

export const createServer = (handler: Handler): HttpServer => new HttpServer(handler);

/** One exchange over the loopback interface; rejects when nobody listens or the listener dies before it has answered. */
export function askLoopback(port: number, request: LoopbackRequest): Promise<LoopbackAnswer> {
  const process = currentProcess();
  return new Promise((resolve, reject) => {
    process.after(HOP_MS, () => {
      const listener = process.host.ports.get(port);
      if (listener === undefined) return reject(errno('ECONNREFUSED', 'connect', String(port)));
      const reset = () => process.after(HOP_MS, () => reject(errno('ECONNRESET', 'read')));
      listener.process.atExit.add(reset);
      listener.process.after(0, () =>
        listener.serve(request, (answer) => {
          listener.process.atExit.delete(reset);
          if (answer === undefined) reset();
          else process.after(HOP_MS, () => resolve(answer));
        }),
      );
    });
  });
}
