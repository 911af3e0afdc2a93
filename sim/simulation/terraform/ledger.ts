/** One apply by one Terraform process, as it really happened; nothing of the product writes here. */
export interface ApplyRun {
  readonly workspace: string;
  readonly attempt: string;
  /** The plan that it carries out; the same bytes have the same name. */
  readonly plan: string;
  readonly host: string;
  readonly pid: number;
  /** Things that exist since, in order. */
  readonly made: string[];
  /** States that the back end took (200), newest last. */
  readonly saved: SavedState[];
  /** SIGINTs that it got. */
  interrupts: number;
  changing: boolean;
}

interface SavedState {
  readonly lineage: string;
  readonly serial: number;
  readonly resources: readonly string[];
}

/** What Terraform did to the world, kept outside of everything that can crash. */
export interface Ledger {
  readonly runs: readonly ApplyRun[];
  begin(run: Pick<ApplyRun, 'workspace' | 'attempt' | 'plan' | 'host' | 'pid'>): ApplyRun;
  /** A real thing comes into being. */
  make(run: ApplyRun, address: string): void;
  /** Told when a Terraform has its lock and is about to change things. */
  onBegin(listener: (run: ApplyRun) => void): void;
  /** Told right before a thing comes into being. */
  onMake(listener: (run: ApplyRun) => void): void;
}

/** @param violate told when an apply happens twice or two applies change one workspace at once */
export function createLedger(violate: (sentence: string) => void): Ledger {
  const runs: ApplyRun[] = [];
  const beginListeners: ((run: ApplyRun) => void)[] = [];
  const makeListeners: ((run: ApplyRun) => void)[] = [];
  return {
    runs,
    begin(given) {
      const run: ApplyRun = { ...given, made: [], saved: [], interrupts: 0, changing: false };
      runs.push(run);
      for (const listener of beginListeners) listener(run);
      return run;
    },
    onBegin: (listener) => void beginListeners.push(listener),
    onMake: (listener) => void makeListeners.push(listener),
    make(run, address) {
      for (const listener of makeListeners) listener(run);
      const twin = runs.find((other) => other !== run && other.plan === run.plan && other.made.length > 0);
      if (twin !== undefined)
        violate(
          `an apply was doubled: plan ${run.plan} made ${address} on ${run.host} and was applied on ${twin.host} before`,
        );
      const rival = runs.find((other) => other !== run && other.workspace === run.workspace && other.changing);
      if (rival !== undefined)
        violate(
          `two applies change ${run.workspace} at once: ${run.attempt} on ${run.host}, ${rival.attempt} on ${rival.host}`,
        );
      run.changing = true;
      run.made.push(address);
    },
  };
}
