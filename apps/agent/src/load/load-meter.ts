import { type CgroupPaths, findCgroups, readCgroupLoad } from './cgroup.ts';
import { type HostLoad, type LoadSample, readHostCounters, toHostLoad } from './host-load.ts';

export interface LoadMeterOptions {
  /** Where `/proc` and `/sys` are; `/` when not given. */
  root?: string;
  /** Milliseconds of a clock that nobody sets. */
  now?: () => number;
}

/** Looks at the processors and the memory that this process may use, its control groups' limits included. */
export interface LoadMeter {
  /** The load since the last look; the first one tells what a single look can. */
  look(): HostLoad;
}

export function createLoadMeter({ root = '/', now = () => performance.now() }: LoadMeterOptions = {}): LoadMeter {
  const paths: CgroupPaths = findCgroups(root);
  let last: LoadSample | undefined;
  return {
    look() {
      const sample = { at: now(), ...readHostCounters(root), cgroup: readCgroupLoad(paths) };
      const load = toHostLoad(last, sample);
      last = sample;
      return load;
    },
  };
}
