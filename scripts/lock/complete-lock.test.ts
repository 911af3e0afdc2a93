import { expect, test } from 'vitest';
import { findMissingEntries } from './complete-lock.ts';

const lockWith = (optionalDependencies: Record<string, string>, dev = true) => ({
  packages: {
    '': {},
    'node_modules/tool': { dev, optionalDependencies },
    'node_modules/tool-linux-x64': { version: '1.0.0' },
  },
});

test('nothing is missing when every optional package has an entry', () => {
  expect(findMissingEntries(lockWith({ 'tool-linux-x64': '1.0.0' }))).toEqual({});
});

test('a missing one is described from its name', () => {
  const missing = findMissingEntries(
    lockWith({ 'tool-darwin-arm64': '1.0.0', '@x/tool-linux-arm-musleabihf': '2.0.0' }),
  );
  expect(missing).toEqual({
    'node_modules/tool-darwin-arm64': { version: '1.0.0', cpu: ['arm64'], dev: true, optional: true, os: ['darwin'] },
    'node_modules/@x/tool-linux-arm-musleabihf': {
      version: '2.0.0',
      cpu: ['arm'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    },
  });
});

test('what production needs is not marked as needed for development only', () => {
  const missing = findMissingEntries(lockWith({ 'tool-win32-x64-msvc': '1.0.0' }, false));
  expect(missing['node_modules/tool-win32-x64-msvc']).toEqual({
    version: '1.0.0',
    cpu: ['x64'],
    optional: true,
    os: ['win32'],
  });
});

test('a missing package of another kind is left to npm', () => {
  expect(() => findMissingEntries(lockWith({ fsevents: '2.0.0' }))).toThrow('lacks fsevents');
});
