import { sha256Hex } from '@groundcrew/kit';
import { makeState, stateHeaders } from '../modules/tasks/attempt-bodies-for-tests.ts';

/** Bodies that are bytes, with the headers that go with them. */
export const BYTES: Record<
  string,
  () => { readonly body: Buffer; readonly headers: Readonly<Record<string, string>> }
> = {
  state: () => ({ body: makeState(3), headers: stateHeaders(makeState(3)) }),
  archive: () => ({
    body: ARCHIVE,
    headers: { 'content-type': 'application/gzip', 'x-content-sha256': sha256Hex(ARCHIVE) },
  }),
  plan: () => ({
    body: Buffer.from('a plan'),
    headers: {
      'content-type': 'application/octet-stream',
      'x-content-sha256': sha256Hex('a plan'),
      'x-plan-sha256': sha256Hex('its plan file'),
    },
  }),
  log: () => ({
    body: Buffer.from('a\n'),
    headers: {
      'content-type': 'application/octet-stream',
      'x-content-sha256': sha256Hex('a\n'),
      'x-log-phase': 'plan',
      'x-log-offset': '0',
    },
  }),
};

/** A .tar.gz with one empty main.tf. */
const ARCHIVE = Buffer.from(
  'H4sIAAAAAAACA8tNzMzTK0ljoCUwAAIzExMwDQToNBa2uZGhEYOCAQMdQGlxSWIR0EqGUTAKRsEoGFkAACxVFUgABgAA',
  'base64',
);
