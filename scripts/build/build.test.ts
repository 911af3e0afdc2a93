import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ROOT } from '../workspaces.ts';
import { type Assets, rewriteAssetUrls } from './asset-urls.ts';
import { foldModule } from './folded.ts';
import { lazyModule } from './lazy-builtins.ts';
import { isUpToDate, writeStamp } from './stamp.ts';
import { noteInUse, removeSuperseded } from './superseded.ts';

/** An asset's URL as a source writes it. */
const urlOf = (specifier: string): string => `const u = new URL('${specifier}', import.meta.url);`;
const rewrite = (app: string, path: string, specifier: string) => {
  const assets: Assets = new Map();
  return { source: rewriteAssetUrls(app, join(ROOT, path), urlOf(specifier), assets), assets };
};

test('a file beside the code is copied below assets/', () => {
  const { source, assets } = rewrite('kit', 'packages/kit/src/logger.ts', '../package.json');
  expect(source).toBe(urlOf('./assets/packages/kit/package.json'));
  expect([...assets]).toEqual([['packages/kit/package.json', join(ROOT, 'packages/kit/package.json')]]);
});

test("an app's own files lose the app's path, its assets folder its name; a folder keeps its slash", () => {
  expect(rewrite('runner', 'apps/runner/src/launcher/x.ts', '../../assets/').source).toBe(urlOf('./assets/assets/'));
  expect(rewrite('runner', 'apps/runner/src/launcher/x.ts', '../../assets/launcher.sh').source).toBe(
    urlOf('./assets/launcher.sh'),
  );
  expect(rewrite('server', 'apps/server/src/platform/x/y.ts', '../../../migrations/').source).toBe(
    urlOf('./assets/migrations/'),
  );
});

test("another app's entry becomes its bundle", () => {
  const { source, assets } = rewrite('cli', 'apps/cli/src/commands/up.ts', '../../../server/src/main.ts');
  expect(source).toBe(urlOf('../server/main.mjs'));
  expect(assets.size).toBe(0);
});

test('what does not exist fails the build and is named', () => {
  expect(() => rewrite('cli', 'apps/cli/src/main.ts', '../assets/nothing')).toThrow(
    'apps/cli/src/main.ts names ../assets/nothing, which does not exist.',
  );
});

test('other URLs are left alone, those of the bundle itself too', () => {
  const source =
    "new URL(path, import.meta.url); new URL('https://example.com', import.meta.url);" +
    urlOf('./assets/migrations/') +
    urlOf('../runner/main.mjs');
  expect(rewriteAssetUrls('cli', join(ROOT, 'apps/cli/src/main.ts'), source, new Map())).toBe(source);
});

test('a folded module exports the same values', async () => {
  const values = { addresses: { ping: { method: 'POST', path: '/ping' } }, LIMIT: 3 };
  const url = `data:text/javascript,${encodeURIComponent(foldModule(values))}`;
  expect({ ...(await import(url)) }).toEqual(values);
});

test('a lazy module has the exports of Node and loads them when they are used', () => {
  const module = { exports: {} as typeof import('node:http') };
  new Function('module', lazyModule('node:http'))(module);
  expect(Object.keys(module.exports)).toEqual(Object.keys(http));
  expect(module.exports.createServer).toBe(http.createServer);
});

test('a stamp holds until an input or an output changes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gc-build-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [input, output] = [join(folder, 'input.ts'), join(folder, 'main.mjs')];
  writeFileSync(input, '1');
  writeFileSync(output, '1');
  const stamp = () => writeStamp(folder, [input], ['main.mjs']);
  expect(isUpToDate(folder)).toBe(false);
  stamp();
  expect(isUpToDate(folder)).toBe(true);
  utimesSync(input, statSync(input).atimeMs / 1000, 12_345);
  expect(isUpToDate(folder)).toBe(false);
  stamp();
  rmSync(output);
  expect(isUpToDate(folder)).toBe(false);
});

test('a chunk outlives the build that no longer makes it by a week, however old it is, and nothing that was killed stays', () => {
  const [folder, day] = [mkdtempSync(join(tmpdir(), 'gc-build-')), 24 * 3600 * 1000];
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const now = Date.now();
  const make = (name: string, days: number) => {
    writeFileSync(join(folder, name), '');
    utimesSync(join(folder, name), new Date(now - days * day), new Date(now - days * day));
  };
  for (const name of ['main.mjs', 'chunk-replaced.mjs', 'build.json']) make(name, 30);
  for (const name of ['chunk-forgotten.mjs', 'chunk-half.mjs.4711']) make(name, 8);
  make('chunk-half.mjs.4712', 0);
  const left = (days: number) => {
    removeSuperseded(folder, new Set(['main.mjs']), now + days * day);
    return readdirSync(folder);
  };
  noteInUse(folder, ['main.mjs', 'chunk-replaced.mjs', 'chunk-gone.mjs', 'assets'], now);
  expect(left(0)).toEqual(['build.json', 'chunk-half.mjs.4712', 'chunk-replaced.mjs', 'main.mjs']);
  expect(left(6)).toContain('chunk-replaced.mjs');
  expect(left(8)).toEqual(['build.json', 'main.mjs']);
});

test('bundles every program, and each is there to be run', () => {
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.ts')], { stdio: 'pipe' });
  for (const app of ['server', 'agent', 'runner', 'cli']) {
    const bundle = readFileSync(join(ROOT, 'dist', app, 'main.mjs'));
    // One character beyond Latin-1 doubles what the source takes in memory. Write it as \\u….
    expect(
      bundle.findIndex((byte) => byte > 0x7f),
      app,
    ).toBe(-1);
  }
  expect(existsSync(join(ROOT, 'dist/server/assets/migrations/0001_first.sql'))).toBe(true);
  expect(statSync(join(ROOT, 'dist/runner/assets/launcher.sh')).isFile()).toBe(true);
});
