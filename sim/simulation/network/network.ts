import type { Dice } from '../kernel/dice.ts';

export interface WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Why a request has no answer. `hung`: nothing comes, not even a refusal, until the caller gives up. */
export type NoAnswer = 'refused' | 'reset' | 'hung';

/** What is wrong with the way between the hosts and the server just now; shares from 0 to 1. */
interface Weather {
  /** Longest delay of a message, in milliseconds. */
  delayMs: number;
  lost: number;
  duplicated: number;
  /** Hosts that nothing leaves, nothing reaches, or either way. */
  readonly cut: Map<string, 'both' | 'out' | 'back'>;
}

/** The far end of the network. `serve` gives undefined when the server died over the request. */
export interface Origin {
  readonly isUp: () => boolean;
  serve(request: WireRequest, answer: (answer: WireAnswer | undefined) => void): void;
}

export interface Network {
  readonly weather: Weather;
  /** Sends one request from a host; exactly one of answer and reason comes back, or neither once it hangs. */
  exchange(host: string, request: WireRequest, done: (result: WireAnswer | NoAnswer) => void): void;
  connect(origin: Origin): void;
}

interface Clock {
  after(ms: number, run: () => void): unknown;
}

const QUIET_DELAY_MS = 3;
/** A message in a sudden jam comes behind those that were sent after it. */
const REORDERED = 0.05;

/** Carries requests between hosts and server, with everything that the weather does to them. */
export function createNetwork(dice: Dice, clock: Clock): Network {
  const weather: Weather = { delayMs: QUIET_DELAY_MS, lost: 0, duplicated: 0, cut: new Map() };
  let origin: Origin | undefined;

  const delay = () => 0.3 + dice.next() * weather.delayMs * (dice.chance(REORDERED) ? 5 : 1);
  const isCut = (host: string, way: 'out' | 'back') => {
    const cut = weather.cut.get(host);
    return cut === 'both' || cut === way;
  };
  /** A lost message ends as a broken connection, or as silence. */
  const lose = (done: (reason: NoAnswer) => void) => {
    if (dice.chance(0.5)) clock.after(dice.between(10, 2_000), () => done('reset'));
    else done('hung');
  };

  function exchange(host: string, request: WireRequest, done: (result: WireAnswer | NoAnswer) => void): void {
    if (isCut(host, 'out') || dice.chance(weather.lost)) {
      lose(done);
      return;
    }
    if (dice.chance(weather.duplicated)) clock.after(delay() * 3, () => arrive(host, request, () => {}));
    clock.after(delay(), () => arrive(host, request, done));
  }

  function arrive(host: string, request: WireRequest, done: (result: WireAnswer | NoAnswer) => void): void {
    if (isCut(host, 'out')) lose(done);
    else if (origin === undefined || !origin.isUp()) done('refused');
    else origin.serve(request, (answer) => comeBack(host, answer, done));
  }

  function comeBack(host: string, answer: WireAnswer | undefined, done: (result: WireAnswer | NoAnswer) => void): void {
    if (answer === undefined) done('reset');
    else if (isCut(host, 'back') || dice.chance(weather.lost)) lose(done);
    else clock.after(delay(), () => (isCut(host, 'back') ? lose(done) : done(answer)));
  }

  return {
    weather,
    exchange,
    connect(to) {
      origin = to;
    },
  };
}
