import type { Progress, Stage } from '@groundcrew/protocol';

/** Where the attempt is, for everybody who wants to know. */
export interface Standing {
  readonly stage: Stage | undefined;
  readonly progress: Progress | undefined;
  enter(stage: Stage): void;
  advance(progress: Progress): void;
  onChange(listener: (change: 'stage' | 'progress') => void): void;
}

export function createStanding(): Standing {
  const listeners: ((change: 'stage' | 'progress') => void)[] = [];
  let stage: Stage | undefined;
  let progress: Progress | undefined;
  const tell = (change: 'stage' | 'progress') => {
    for (const listener of listeners) listener(change);
  };
  return {
    get stage() {
      return stage;
    },
    get progress() {
      return progress;
    },
    enter(next) {
      if (next === stage) return;
      stage = next;
      tell('stage');
    },
    advance(next) {
      if (JSON.stringify(next) === JSON.stringify(progress)) return;
      progress = next;
      tell('progress');
    },
    onChange: (listener) => void listeners.push(listener),
  };
}
