import {
  type BackOff,
  backOffMs,
  type Clock,
  type Random,
  systemClock,
  systemRandom,
} from '@groundcrew/kit/isomorphic';
import { ApiError } from '../api-error.ts';
import { resolveToken, type TokenSource } from '../token-source.ts';
import { createOutbox } from './outbox.ts';
import type { RawSocket, SocketEnd, SocketFactory } from './raw-socket.ts';

export interface SocketOptions<In, Out> {
  /** `ws://…` or `wss://…`; asked anew for every connection when it is a function. A throw counts as a failed try. */
  url: string | (() => string | Promise<string>);
  token?: TokenSource | undefined;
  connect: SocketFactory;
  /** Turns the JSON of a message into what `onMessage` takes; a throw goes to `onBadMessage` and the link stays. */
  parse: (json: unknown) => In;
  onMessage: (message: In) => void;
  /** A message could not be parsed, or `onMessage` threw. */
  onBadMessage?: (error: unknown) => void;
  /** The link is up (again): gives what is to be said first, before anything that waits. */
  onUp?: () => Out[];
  /** A connection ended or could not be made. `stop` gives up; otherwise it is made again after a pause. */
  onDown?: (end: SocketEnd) => 'stop' | undefined;
  /** A link on which nothing arrives for this long is given up. Default 60,000; asked for a sign of life three times within. */
  silenceMs?: number;
  /** Messages that may wait while the link is slow or down. Default 1,000. */
  maxQueued?: number;
  /** Pauses between tries; starts anew once a message has arrived. Default 250 to 10,000. */
  backOff?: BackOff;
  clock?: Clock;
  random?: Random;
}

/** A WebSocket that comes back by itself. */
export interface Socket<Out> {
  readonly isUp: boolean;
  /**
   * Sends in order. False when it was not taken: too many wait, the socket is closed, or it is `transient` (only worth
   * sending now) and the link is down. What was under way when a link broke may be lost: say levels, not events.
   */
  send(message: Out, options?: { transient?: boolean }): boolean;
  /** Gives the present connection up and makes a new one, with the present url and token: at once, or after the usual pause. */
  reconnect(options?: { afterPause?: boolean }): void;
  /** Stops reading until `resume`, where the platform can. */
  pause(): void;
  resume(): void;
  /** Closes for good. */
  close(): void;
  /** Resolves when closed, by `close` or by `stop`. */
  readonly closed: Promise<void>;
}

const DEFAULT_BACK_OFF: BackOff = { baseMs: 250, capMs: 10_000 };
const FAREWELL_MS = 1_000;
const CLOSED = new Error('the socket is closed');

/** Connects, and connects again after every break, until closed. Nobody but this writes to the connection. */
export function openSocket<In, Out = never>(options: SocketOptions<In, Out>): Socket<Out> {
  const { clock = systemClock, random = systemRandom, backOff = DEFAULT_BACK_OFF, silenceMs = 60_000 } = options;
  const outbox = createOutbox(options.maxQueued ?? 1_000);
  const stop = new AbortController();
  let raw: RawSocket | undefined;
  let isUp = false;
  let isPaused = false;
  /** A new connection was asked for. */
  let again = false;
  let wake = () => {};

  async function run(): Promise<void> {
    let failures = 0;
    while (!stop.signal.aborted) {
      again = false;
      const { end, heard } = await liveOnce();
      if (stop.signal.aborted || again) continue;
      if (options.onDown?.(end) === 'stop') return;
      failures = heard ? 1 : failures + 1;
      await pause(Math.max(backOffMs(failures, backOff, random), end.refusal?.retryAfterMs ?? 0));
    }
  }

  /** Ends early when there is something to do. */
  async function pause(ms: number): Promise<void> {
    const early = new AbortController();
    wake = () => early.abort(CLOSED);
    await clock.sleep(ms, early.signal).catch(() => {});
  }

  /** One connection from its first try to its end. */
  async function liveOnce(): Promise<{ end: SocketEnd; heard: boolean }> {
    try {
      const url = typeof options.url === 'function' ? await options.url() : options.url;
      const token = await resolveToken(options.token);
      if (stop.signal.aborted) return { end: { reason: 'closed' }, heard: false };
      return await connect(url, token);
    } catch (error) {
      return { end: toEnd(error), heard: false };
    }
  }

  function connect(url: string, token: string | undefined): Promise<{ end: SocketEnd; heard: boolean }> {
    const watch = watchSilence({ clock, silenceMs, ping: () => raw?.ping?.(), giveUp: () => raw?.terminate() });
    let heard = false;
    return new Promise((resolve) => {
      raw = options.connect(url, token, {
        onOpen: () => {
          watch.heard();
          up();
        },
        onMessage: (text) => {
          heard = true;
          watch.heard();
          receive(text);
        },
        onAlive: watch.heard,
        onEnd: (end) => {
          watch.stop();
          down();
          resolve({ end: watch.gaveUp() ? { reason: `nothing was heard for ${silenceMs / 1000} s` } : end, heard });
        },
      });
      if (again) raw.terminate();
    });
  }

  function up(): void {
    isUp = true;
    if (isPaused) raw?.pause?.();
    const connection = raw;
    outbox.putFirst((options.onUp?.() ?? []).map((message) => JSON.stringify(message)));
    outbox.attach((text, done) => connection?.send(text, done));
  }

  function down(): void {
    isUp = false;
    raw = undefined;
    outbox.attach(undefined);
  }

  function receive(text: string): void {
    try {
      options.onMessage(options.parse(JSON.parse(text)));
    } catch (error) {
      options.onBadMessage?.(error);
    }
  }

  const closed = run().finally(() => stop.abort(CLOSED));

  return {
    get isUp() {
      return isUp;
    },
    send: (message, { transient = false } = {}) =>
      !stop.signal.aborted && (isUp || !transient) && outbox.put(JSON.stringify(message)),
    reconnect({ afterPause = false } = {}) {
      again ||= !afterPause;
      if (!afterPause) wake();
      raw?.terminate();
    },
    pause() {
      isPaused = true;
      raw?.pause?.();
    },
    resume() {
      isPaused = false;
      raw?.resume?.();
    },
    close() {
      stop.abort(CLOSED);
      wake();
      raw?.close();
      // A far side that is gone would never answer the polite way.
      void clock.sleep(FAREWELL_MS).then(() => raw?.terminate());
    },
    closed,
  };
}

const toEnd = (error: unknown): SocketEnd =>
  error instanceof ApiError
    ? { reason: error.message, refusal: error }
    : { reason: error instanceof Error ? error.message : String(error) };

interface SilenceOptions {
  clock: Clock;
  silenceMs: number;
  ping: () => void;
  giveUp: () => void;
}

/** Asks for signs of life and gives a connection up that shows none; a half-open TCP connection would never tell by itself. */
function watchSilence({ clock, silenceMs, ping, giveUp }: SilenceOptions) {
  const stop = new AbortController();
  let lastHeard = clock.now();
  let gaveUp = false;

  async function watch(): Promise<void> {
    for (;;) {
      await clock.sleep(silenceMs / 4, stop.signal);
      if (clock.now() - lastHeard < silenceMs) ping();
      else {
        gaveUp = true;
        giveUp();
        return;
      }
    }
  }
  watch().catch(() => {});

  return {
    heard: () => {
      lastHeard = clock.now();
    },
    gaveUp: () => gaveUp,
    stop: () => stop.abort(CLOSED),
  };
}
