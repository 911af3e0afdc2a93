import type { Clock, Logger, Random } from '@groundcrew/kit';
import type { RunnerBirth, RunnerTask, TaskData } from '@groundcrew/protocol';
import type { InstalledTool } from '@groundcrew/terraform';
import type { ControlPlane } from '../control-plane/index.ts';
import type { AttemptFolder } from '../folder/index.ts';
import type { Journal } from '../journal/index.ts';
import type { Wishes } from '../lease/index.ts';
import type { AttemptLog } from '../log/index.ts';
import type { Relay, RelayCredentials, RelayVerbs, StateForwarder, StateSpool } from '../relay/index.ts';
import type { Reserve } from '../spool/index.ts';
import type { Commands } from './commands.ts';
import type { ProgramFinder } from './find-program.ts';
import type { Standing } from './standing.ts';

/** Everything the phases of one attempt work with. */
export interface AttemptContext {
  folder: AttemptFolder;
  birth: RunnerBirth;
  programs: ProgramFinder;
  task: RunnerTask;
  data: TaskData;
  /** Resolves when the data are in the folder; nothing is run before that. */
  dataKept: Promise<void>;
  journal: Journal;
  server: ControlPlane;
  wishes: Wishes;
  standing: Standing;
  log: AttemptLog;
  state: AttemptState;
  commands: Commands;
  /** Room on the disk, given free once Terraform needs none any more. */
  reserve: Promise<Reserve>;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** What was begun before the data were here; only a first runner has it. */
  early: Promise<InstalledTool> | undefined;
  /** Aborts when the attempt may not act any more; calls that only serve acting end with it. */
  acting: AbortSignal;
}

/** The state's way: spool, forwarder, and the relay in front of them. */
export interface AttemptState {
  relay: Relay;
  credentials: RelayCredentials;
  verbs: RelayVerbs;
  spool: StateSpool;
  forwarder: StateForwarder;
}
