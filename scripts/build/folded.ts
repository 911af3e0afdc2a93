import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { ROOT } from '../workspaces.ts';

/** Modules that are computed once and for all, and what their values are computed from. */
const FOLDED = { 'packages/protocol/src/addresses.ts': 'packages/protocol/src' };

/** Everything a bundle with folded modules depends on, as paths from the root. */
export const FOLDED_FROM = Object.values(FOLDED);

/** Puts the values that a module exports in its place, so that a bundle goes without what they were computed from. */
export const folded: Plugin = {
  name: 'folded',
  setup(build) {
    for (const path of Object.keys(FOLDED)) {
      const file = join(ROOT, path);
      build.onLoad({ filter: new RegExp(`^${file.replaceAll(/[^\w/]/g, '\\$&')}$`) }, async () => ({
        contents: foldModule(await import(pathToFileURL(file).href)),
      }));
    }
  },
};

/**
 * The source of a module that exports the same values, which JSON must be able to hold.
 *
 * @internal for tests
 */
export const foldModule = (values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values)
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`)
    .join('');
