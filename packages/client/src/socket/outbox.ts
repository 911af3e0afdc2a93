/** Texts on their way out: in order, few at a time handed to the connection, bounded while it is slow or away. */
export interface Outbox {
  /** False when the box is full and the text was not taken. */
  put(text: string): boolean;
  /** Puts before everything that waits, whatever the bound; for the first words on a new connection. */
  putFirst(texts: readonly string[]): void;
  /** The connection that takes texts from now on, or undefined when there is none. */
  attach(send: ((text: string, done: () => void) => void) | undefined): void;
  readonly size: number;
}

/** Enough to keep a connection busy; what it holds is lost when it breaks. */
const IN_FLIGHT = 16;

/** @param max texts that may wait */
export function createOutbox(max: number): Outbox {
  let waiting: string[] = [];
  let inFlight = 0;
  let send: ((text: string, done: () => void) => void) | undefined;

  function pump(): void {
    while (send !== undefined && inFlight < IN_FLIGHT) {
      const text = waiting.shift();
      if (text === undefined) return;
      write(send, text);
    }
  }

  function write(through: NonNullable<typeof send>, text: string): void {
    inFlight += 1;
    through(text, () => {
      // A word from a connection that has been replaced meanwhile says nothing about the present one.
      if (through !== send) return;
      inFlight -= 1;
      pump();
    });
  }

  return {
    put(text) {
      if (waiting.length >= max) return false;
      waiting.push(text);
      pump();
      return true;
    },
    putFirst(texts) {
      waiting = [...texts, ...waiting];
      pump();
    },
    attach(to) {
      send = to;
      inFlight = 0;
      pump();
    },
    get size() {
      return waiting.length;
    },
  };
}
