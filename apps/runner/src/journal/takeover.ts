import type { Fate } from './fate.ts';

/** What is known of an attempt's folder from outside. */
export interface FolderEvidence {
  /** Somebody holds `lock`: a runner lives. */
  lockHeld: boolean;
  /** Somebody holds `alive`: Terraform, something it started, or its launcher still runs. */
  aliveHeld: boolean;
  journal: {
    /** A runner began to work on the task. */
    begun: boolean;
    /** Whether the apply was started. */
    fate: Fate | undefined;
    /** How the apply ended, or the whole attempt, is written down. */
    exit: boolean;
  };
}

/**
 * What is to be done about a folder.
 * - `attach`: its runner lives, talk to it.
 * - `begin`: nothing was done yet.
 * - `take_over`: Terraform runs without a runner: go on with log, relay, lease and exit.
 * - `deliver`: all is over, only the server does not know yet.
 * - `report_interrupted`: an apply was started and nobody saw how it ended.
 * - `report_never_started`: no apply was started, and none ever will be.
 */
export type Takeover = 'attach' | 'begin' | 'take_over' | 'deliver' | 'report_interrupted' | 'report_never_started';

/** The table of re-adoption. Sound whatever died, and at whatever moment, because no line of it rests on silence or on a pid. */
export function decideTakeover({ lockHeld, aliveHeld, journal }: FolderEvidence): Takeover {
  if (lockHeld) return 'attach';
  if (aliveHeld) return 'take_over';
  if (journal.exit) return 'deliver';
  if (journal.fate === 'started') return 'report_interrupted';
  // `never` forbids a beginning too: another runner has already reported so.
  if (!journal.begun && journal.fate === undefined) return 'begin';
  return 'report_never_started';
}
