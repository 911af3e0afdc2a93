import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { SpooledState } from './state-spool.ts';
import { type PostOutcome, type StateUpstream, UpstreamRefusal } from './upstream.ts';

/** A server in memory, with faults that a test switches on. */
export interface FakeUpstream extends StateUpstream {
  /** Ids of locks, once each. */
  locks: string[];
  /** States that arrived, in order. */
  states: Buffer[];
  /** The state that GET gives. */
  current: Buffer | undefined;
  calls: string[];
  /** Decides what becomes of a call: undefined lets it through, an error is thrown, a promise is waited for. */
  fault: (call: 'lock' | 'get' | 'post') => Promise<void> | Error | undefined;
  quarantines: boolean;
}

export const away = (): Error => new Error('connect ECONNREFUSED');
export const refusal = (sentence: string): Error => new UpstreamRefusal(sentence);

export function createFakeUpstream(): FakeUpstream {
  const fake: FakeUpstream = {
    locks: [],
    states: [],
    current: undefined,
    calls: [],
    fault: () => undefined,
    quarantines: false,
    async lock(lockId) {
      await pass('lock');
      if (!fake.locks.includes(lockId)) fake.locks.push(lockId);
    },
    async get() {
      await pass('get');
      return fake.current && { body: Readable.from([fake.current]) };
    },
    async post({ path }: SpooledState): Promise<PostOutcome> {
      await pass('post');
      const bytes = readFileSync(path);
      fake.states.push(bytes);
      if (fake.quarantines) return 'quarantined';
      fake.current = bytes;
      return 'stored';
    },
  };
  async function pass(call: 'lock' | 'get' | 'post'): Promise<void> {
    fake.calls.push(call);
    const fault = fake.fault(call);
    if (fault instanceof Error) throw fault;
    await fault;
  }
  return fake;
}
