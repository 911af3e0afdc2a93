import { constants } from 'node:fs';
import { access, mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { readFileIfExists, writeFileDurably } from '@groundcrew/kit';
import rcompare from 'semver/functions/rcompare.js';
import { type InstalledTool, isVersion, TOOLS, type Tool } from '../tool.ts';
import { probeVersion } from './probe-version.ts';

export interface FoundTools {
  /** Each version of each tool once; what comes first on PATH comes first. */
  tools: InstalledTool[];
  /** A sentence for every program that looks like a tool and cannot be used. */
  problems: string[];
}

export interface FindOptions {
  /** Folder for what is remembered between calls; made when missing. Several processes may share it. */
  cacheDir: string;
  /** For one `version -json`; 10 s when not given. */
  timeoutMs?: number;
}

/**
 * Every `terraform` and `tofu` in the folders of `path` (colon-separated; relative ones are left out) with its version. Asking
 * costs 60 ms each, so answers are remembered for as long as the file stays the same.
 */
export async function findOnPath(path: string, { cacheDir, timeoutMs }: FindOptions): Promise<FoundTools> {
  const cache = await openProbeCache(cacheDir);
  const found: FoundTools = { tools: [], problems: [] };
  for (const { tool, file } of await listCandidates(path)) {
    try {
      const version = await cache.versionOf(file, () => probeVersion(file, timeoutMs));
      if (!found.tools.some((known) => known.tool === tool && known.version === version))
        found.tools.push({ tool, version, path: file });
    } catch (error) {
      found.problems.push((error as Error).message);
    }
  }
  await cache.save();
  return found;
}

/** What `installTool` has put into `installDir`, newest versions first. Unfinished installations do not appear. */
export async function findInstalled(installDir: string): Promise<InstalledTool[]> {
  const found: InstalledTool[] = [];
  for (const tool of TOOLS) {
    const versions = (await listFolder(join(installDir, tool))).filter(isVersion).sort(rcompare);
    for (const version of versions) {
      const path = installedPath(installDir, tool, version);
      if (await isExecutableFile(path)) found.push({ tool, version, path });
    }
  }
  return found;
}

/** Where `installTool` puts a version. */
export const installedPath = (installDir: string, tool: Tool, version: string): string =>
  join(installDir, tool, version, tool);

async function listCandidates(path: string): Promise<{ tool: Tool; file: string }[]> {
  const folders = [...new Set(path.split(':'))].filter(isAbsolute);
  const files = folders.flatMap((folder) => TOOLS.map((tool) => ({ tool, file: join(folder, tool) })));
  const executable = await Promise.all(files.map(({ file }) => isExecutableFile(file)));
  return files.filter((_file, i) => executable[i]);
}

async function isExecutableFile(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function listFolder(path: string): Promise<string[]> {
  return readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}

type Probes = Record<string, { fingerprint: string; version: string }>;

async function openProbeCache(cacheDir: string) {
  await mkdir(cacheDir, { recursive: true });
  const file = join(cacheDir, 'tool-versions.json');
  const known = parseProbes(await readFileIfExists(file));
  const used: Probes = {};
  let changed = false;
  return {
    /** The remembered version of a file that is the same as then, else what `probe` says. */
    async versionOf(path: string, probe: () => Promise<string>): Promise<string> {
      const { mtimeMs, size } = await stat(path);
      const fingerprint = `${await realpath(path)} ${mtimeMs} ${size}`;
      const hit = known[path];
      const version = hit?.fingerprint === fingerprint ? hit.version : await probe();
      changed ||= version !== hit?.version || fingerprint !== hit.fingerprint;
      used[path] = { fingerprint, version };
      return version;
    },
    /** Two processes that save at once lose one's answers, which costs a probe the next time. */
    async save(): Promise<void> {
      if (changed) await writeFileDurably(file, JSON.stringify({ ...known, ...used }), 0o644);
    },
  };
}

function parseProbes(bytes: Buffer | undefined): Probes {
  try {
    const probes: unknown = JSON.parse(bytes?.toString() ?? '{}');
    const entries = Object.entries((probes ?? {}) as Probes);
    return Object.fromEntries(
      entries.filter(([, probe]) => typeof probe?.fingerprint === 'string' && isVersion(String(probe.version))),
    );
  } catch {
    // It is only a cache.
    return {};
  }
}
