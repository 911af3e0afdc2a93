import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import { ROOT } from '../workspaces.ts';

/** `new URL('./x', import.meta.url)`, with a literal path. */
const ASSET_URL = /new URL\(\s*(['"])(\.{1,2}\/[^'"]+)\1,\s*import\.meta\.url,?\s*\)/g;
const APP_ENTRY = /^apps\/([a-z]+)\/src\/main\.ts$/;
/** A place in the bundle itself, for sources that look there first. */
const BUNDLED = /^(\.\/assets\/.*|\.\.\/[a-z]+\/main\.mjs)$/;

/** Assets of a bundle: name below `dist/<app>/assets/` → file or folder it is copied from. */
export type Assets = Map<string, string>;

/**
 * The bundler's side of the convention for what is not code: a source names a file or folder beside it as
 * `new URL('../assets/x', import.meta.url)`, which is right when Node runs the source; the bundle gets a copy below `assets/`
 * and a URL that points there. The entry of another app (`…/apps/agent/src/main.ts`) becomes that app's bundle.
 */
export function assetUrls(app: string, assets: Assets): Plugin {
  return {
    name: 'asset-urls',
    setup(build) {
      build.onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) => {
        if (path.includes('/node_modules/')) return undefined;
        const source = readFileSync(path, 'utf8');
        if (!source.includes('import.meta.url')) return undefined;
        return { contents: rewriteAssetUrls(app, path, source, assets), loader: 'ts' };
      });
    },
  };
}

/**
 * Rewrites the URLs of one source and adds what they name to `assets`; throws when it does not exist.
 *
 * @internal for tests
 */
export function rewriteAssetUrls(app: string, path: string, source: string, assets: Assets): string {
  return source.replaceAll(ASSET_URL, (whole, _quote, specifier: string) => {
    const target = resolve(dirname(path), specifier);
    if (!existsSync(target) && BUNDLED.test(specifier)) return whole;
    if (!existsSync(target)) throw new Error(`${relative(ROOT, path)} names ${specifier}, which does not exist.`);
    const fromRoot = relative(ROOT, target);
    const entry = APP_ENTRY.exec(fromRoot)?.[1];
    if (entry !== undefined) return toUrl(`../${entry}/main.mjs`);
    const name = fromRoot.replace(`apps/${app}/`, '').replace(/^assets\//, '');
    assets.set(name, join(ROOT, fromRoot));
    return toUrl(`./assets/${name}${specifier.endsWith('/') ? '/' : ''}`);
  });
}

const toUrl = (path: string): string => `new URL('${path}', import.meta.url)`;
