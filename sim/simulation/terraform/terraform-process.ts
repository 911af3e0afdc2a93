import type { Invocation } from '../host/child-process.ts';
import { descriptorOf, openAt, writeTo } from '../host/file-system.ts';
import { askLoopback } from '../host/http.ts';
import type { Dice } from '../kernel/dice.ts';
import type { LoopbackAnswer, Process } from '../world.ts';

/** The back end of one command; every call goes on until there is an answer other than 5xx. */
interface Backend {
  call(method: string, body?: string, query?: string): Promise<LoopbackAnswer>;
}

/** A run of Terraform: its output, its signals, its back end. */
export interface Terraform {
  readonly process: Process;
  readonly dice: Dice;
  readonly cwd: string;
  readonly env: Invocation['env'];
  readonly backend: Backend;
  /** SIGINTs so far. */
  readonly interrupts: () => number;
  /** Resolves with the next SIGINT. */
  nextInterrupt(): Promise<void>;
  /** Writes to the log, in as many pieces as the dice say. */
  say(text: string): Promise<void>;
  sleep(ms: number): Promise<void>;
  write(path: string, content: string): void;
}

export function createTerraform({ process, env, cwd }: Invocation): Terraform {
  const { world } = process.host;
  const dice = world.dice.fork(`terraform ${process.host.name} ${process.pid}`);
  let interrupts = 0;
  let interrupted = Promise.withResolvers<void>();
  process.onSignal = (signal) => {
    if (signal !== 'SIGINT' && signal !== 'SIGTERM') return;
    interrupts += 1;
    world.trace.note(process.host.name, `terraform ${process.pid} got ${signal} (${interrupts})`);
    const now = interrupted;
    interrupted = Promise.withResolvers();
    now.resolve();
  };
  const terraform: Terraform = {
    process,
    dice,
    cwd,
    env,
    backend: createBackend(process, env),
    interrupts: () => interrupts,
    nextInterrupt: () => interrupted.promise,
    say: (text) => say(process, dice, text),
    sleep: (ms) => process.sleep(ms),
    write(path, content) {
      const file = openAt(process, path, 'w');
      writeTo(process, file, Buffer.from(content));
      file.release();
    },
  };
  return terraform;
}

/** Terraform takes no notice when its output cannot be written. */
async function say(process: Process, dice: Dice, text: string): Promise<void> {
  const bytes = Buffer.from(`${text}\n`);
  for (let at = 0; at < bytes.length; ) {
    const end = dice.chance(0.8) ? bytes.length : Math.min(bytes.length, at + dice.between(1, 40));
    try {
      writeTo(process, descriptorOf(process, 1), bytes.subarray(at, end));
    } catch {
      return;
    }
    at = end;
    if (at < bytes.length) await process.sleep(dice.between(1, 300));
  }
}

const RETRY_MS = { first: 1_000, most: 30_000 };

function createBackend(process: Process, env: Invocation['env']): Backend {
  const address = new URL(env.TF_HTTP_ADDRESS ?? 'http://127.0.0.1:1/');
  const login = Buffer.from(`${env.TF_HTTP_USERNAME}:${env.TF_HTTP_PASSWORD}`).toString('base64');
  const headers = { authorization: `Basic ${login}` };

  async function once(method: string, body: string, query: string): Promise<LoopbackAnswer | undefined> {
    try {
      const request = { method, url: `${address.pathname}${query}`, headers, body: Buffer.from(body) };
      const answer = await askLoopback(Number(address.port), request);
      return answer.status >= 500 ? undefined : answer;
    } catch {
      return undefined;
    }
  }

  return {
    async call(method, body = '', query = '') {
      for (let pauseMs = RETRY_MS.first; ; pauseMs = Math.min(RETRY_MS.most, pauseMs * 2)) {
        const answer = await once(method, body, query);
        if (answer !== undefined) return answer;
        await process.sleep(pauseMs);
      }
    },
  };
}
