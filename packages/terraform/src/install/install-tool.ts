import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type FileLock, retry, syncFolder, systemClock, tryLockFile } from '@groundcrew/kit';
import { installedPath } from '../find/find-tools.ts';
import { probeVersion } from '../find/probe-version.ts';
import { type InstalledTool, isVersion, type Tool, toolTitle } from '../tool.ts';
import { findChecksum } from './checksums.ts';
import { type DownloadOptions, downloadBytes, downloadFile } from './download.ts';
import { explainDisk, InstallError } from './install-error.ts';
import { HASHICORP_KEY } from './keys/hashicorp-key.ts';
import { OPENTOFU_KEY } from './keys/opentofu-key.ts';
import { currentPlatform, type Platform, PUBLISHERS, releaseUrls } from './release-source.ts';
import { verifySignature } from './signature.ts';
import { unzipBinary } from './unzip.ts';

export interface InstallOptions {
  /** Root of installed versions, `<installDir>/<tool>/<version>/<tool>`; agents of one host may share it. */
  installDir: string;
  /** A mirror with the publisher's paths; the publisher itself when not given. */
  baseUrl?: string;
  /** Armored public keys that releases must be signed with; the publisher's own when not given. */
  keys?: string;
  /** Gives up when nothing comes for so long; 30 s when not given. */
  idleTimeoutMs?: number;
  /** Gives up after so long in all, waiting for another installer included; 15 min when not given. */
  timeoutMs?: number;
  /** How often a download is tried; 3 when not given. */
  attempts?: number;
  signal?: AbortSignal;
  /** See `DownloadOptions`. */
  proxyEnv?: NodeJS.ProcessEnv;
  platform?: Platform;
}

const KEYS: Readonly<Record<Tool, string>> = { terraform: HASHICORP_KEY, tofu: OPENTOFU_KEY };
const LOCK_WAIT_MS = 1_000;

/**
 * Makes sure that a version is installed: downloaded, its list of checksums verified by signature, the archive by checksum, the
 * binary asked for its version, and then moved into place in one step. Of several processes one downloads and the others wait.
 * A kill at any point leaves either the whole version or nothing but a hidden folder, which the next installer removes.
 * @throws InstallError, or the signal's reason
 */
export async function installTool(tool: Tool, version: string, options: InstallOptions): Promise<InstalledTool> {
  if (!isVersion(version))
    throw new InstallError('not_offered', `"${version}" is no version; give it in full, such as 1.11.4.`);
  const path = installedPath(options.installDir, tool, version);
  const installed: InstalledTool = { tool, version, path };
  const signal = withDeadline(options);
  try {
    if (await exists(path)) return installed;
    const folder = join(options.installDir, tool);
    await mkdir(folder, { recursive: true });
    // Another uid than ours may run what is in it, whatever our umask is. A folder of somebody else's is their affair.
    await chmod(folder, 0o755).catch(() => {});
    const lock = await acquireLock(join(folder, `.${version}.lock`), signal);
    try {
      if (!(await exists(path))) await install(tool, version, path, { ...options, signal });
    } finally {
      lock.release();
    }
    return installed;
  } catch (error) {
    throw explainEnd(error, signal, options, `${toolTitle(tool)} ${version}`);
  }
}

async function install(
  tool: Tool,
  version: string,
  path: string,
  options: InstallOptions & { signal: AbortSignal },
): Promise<void> {
  const target = dirname(path);
  await removeLeftovers(dirname(target), version);
  const draft = join(dirname(target), `.${version}.${randomUUID()}.new`);
  await mkdir(join(draft, 'ready'), { recursive: true });
  try {
    const archive = await fetchArchive(tool, version, draft, options);
    const binary = join(draft, 'ready', tool);
    await unzipBinary(archive, tool, binary);
    await Promise.all([chmod(binary, 0o755), chmod(dirname(binary), 0o755)]);
    await checkBinary(binary, version);
    await syncFolder(dirname(binary));
    // A folder of this name without the binary is what somebody else left; we hold the lock.
    await rm(target, { recursive: true, force: true });
    await rename(dirname(binary), target);
    await syncFolder(dirname(target));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Downloads into `draft` and checks; what it gives back is the publisher's. */
async function fetchArchive(
  tool: Tool,
  version: string,
  draft: string,
  options: InstallOptions & { signal: AbortSignal },
): Promise<string> {
  const { baseUrl = PUBLISHERS[tool], keys = KEYS[tool], platform = currentPlatform() } = options;
  const urls = releaseUrls(tool, version, platform, baseUrl);
  const small = { ...downloadOptions(options), maxBytes: 1 << 20 };
  const checksums = await attempt(options, () => downloadBytes(urls.checksumsUrl, small));
  const signature = await attempt(options, () => downloadBytes(urls.signatureUrl, small));
  await verifySignature(urls.checksumsUrl, checksums, signature, keys);
  const expected = findChecksum(checksums.toString(), urls.archive);
  const archive = join(draft, 'archive.zip');
  const large = { ...downloadOptions(options), maxBytes: 512 << 20 };
  const actual = await attempt(options, () => downloadFile(urls.archiveUrl, archive, large));
  if (actual !== expected) {
    throw new InstallError(
      'bad_checksum',
      `${urls.archiveUrl} has the SHA-256 ${actual}, but the release says ${expected}. Nothing was installed; check the mirror.`,
    );
  }
  return archive;
}

function downloadOptions({
  idleTimeoutMs = 30_000,
  signal,
  proxyEnv,
}: InstallOptions): Omit<DownloadOptions, 'maxBytes'> {
  return { idleTimeoutMs, ...(signal ? { signal } : {}), ...(proxyEnv ? { proxyEnv } : {}) };
}

async function attempt<T>({ attempts = 3, signal }: InstallOptions, download: () => Promise<T>): Promise<T> {
  let tries = 0;
  return retry(
    () => {
      tries += 1;
      return download();
    },
    {
      clock: systemClock,
      random: Math.random,
      baseMs: 500,
      isRetryable: (error) => error instanceof InstallError && error.failure === 'unreachable' && tries < attempts,
      ...(signal ? { signal } : {}),
    },
  );
}

async function checkBinary(binary: string, version: string): Promise<void> {
  const actual = await probeVersion(binary).catch((cause) => {
    throw new InstallError('not_runnable', `The downloaded program does not run here: ${(cause as Error).message}`, {
      cause,
    });
  });
  if (actual !== version)
    throw new InstallError(
      'bad_archive',
      `The archive of version ${version} holds version ${actual}. Nothing was installed; check the mirror.`,
    );
}

async function acquireLock(path: string, signal: AbortSignal): Promise<FileLock> {
  for (;;) {
    signal.throwIfAborted();
    const lock = await tryLockFile(path, LOCK_WAIT_MS);
    if (lock) return lock;
  }
}

/** Folders of installers that were killed; the caller holds the version's lock, so nobody works in them. */
async function removeLeftovers(folder: string, version: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(`.${version}.`) && name.endsWith('.new'));
  await Promise.all(names.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined))?.isFile() ?? false;

function withDeadline({ timeoutMs = 15 * 60_000, signal }: InstallOptions): AbortSignal {
  const deadline = AbortSignal.timeout(timeoutMs);
  return signal ? AbortSignal.any([signal, deadline]) : deadline;
}

function explainEnd(
  error: unknown,
  signal: AbortSignal,
  { timeoutMs = 15 * 60_000, signal: callers }: InstallOptions,
  what: string,
): unknown {
  if (!signal.aborted || callers?.aborted || error instanceof InstallError) return explainDisk(error);
  return new InstallError(
    'busy',
    `${what} could not be installed within ${Math.round(timeoutMs / 1000)} s: the download is slow, or another process is still at it. Try again later.`,
  );
}
