import type { Plugin } from 'esbuild';

/** An import of `node:http` reads all of its exports, of which some load a second HTTP client; `ws` asks for TLS whether it is used or not. */
const LAZY = ['http', 'https', 'tls'];

/**
 * Node's modules for HTTP and TLS, loaded when something of them is used for the first time: 5 MB of a program's resident memory
 * for the second HTTP client, 3 MB for TLS where the server is reached without it.
 */
export const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(build) {
    build.onResolve({ filter: new RegExp(`^(node:)?(${LAZY.join('|')})$`) }, ({ path }) => ({
      path: path.replace(/^(node:)?/, 'node:'),
      namespace: 'lazy-builtin',
    }));
    build.onLoad({ filter: /.*/, namespace: 'lazy-builtin' }, ({ path }) => ({ contents: lazyModule(path) }));
  },
};

/**
 * The source of a module in the older format with a getter for every export of Node's.
 *
 * @internal for tests
 */
export function lazyModule(path: string): string {
  const names = Object.getOwnPropertyNames(process.getBuiltinModule(path));
  const getters = names.map((name) => `get ${JSON.stringify(name)}() { return load()[${JSON.stringify(name)}]; }`);
  return `const load = () => process.getBuiltinModule('${path}');\nmodule.exports = { ${getters.join(', ')} };\n`;
}
