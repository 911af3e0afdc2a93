import { registerHooks } from 'node:module';

/** What stands in for what, and for whose code: whoever imports `specifier` from a path that matches gets `standIn`. */
interface Replacement {
  readonly specifier: string;
  readonly importers: RegExp;
  readonly standIn: string;
}

const FAR_SIDE = /\/(apps\/(runner|agent)|packages\/(kit|client|terraform))\/src\//;

const REPLACEMENTS: readonly Replacement[] = [
  { specifier: 'node:fs', importers: FAR_SIDE, standIn: 'node-fs' },
  { specifier: 'node:fs/promises', importers: FAR_SIDE, standIn: 'node-fs-promises' },
  { specifier: 'node:child_process', importers: FAR_SIDE, standIn: 'node-child-process' },
  { specifier: 'node:net', importers: FAR_SIDE, standIn: 'node-net' },
  { specifier: 'node:crypto', importers: FAR_SIDE, standIn: 'node-crypto' },
  { specifier: 'node:http', importers: /\/apps\/runner\/src\//, standIn: 'node-http' },
  { specifier: '@groundcrew/client/node', importers: FAR_SIDE, standIn: 'client-node' },
  { specifier: './rehearse.ts', importers: /\/apps\/runner\/src\//, standIn: 'rehearse' },
];

/**
 * From now on the code of agent, runner and the packages below them gets the simulated world wherever it imports the real one.
 * Must run before any of that code is imported; nothing of it is changed.
 */
export function putWorldBelow(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const importer = context.parentURL ?? '';
      const found = REPLACEMENTS.find((row) => row.specifier === specifier && row.importers.test(importer));
      if (found === undefined) return next(specifier, context);
      return next(new URL(`../stand-ins/${found.standIn}.ts`, import.meta.url).href, context);
    },
  });
}
