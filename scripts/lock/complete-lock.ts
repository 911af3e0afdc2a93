/** What is needed here of an entry in package-lock.json. */
interface LockEntry {
  version?: string;
  integrity?: string;
  cpu?: string[];
  dev?: boolean;
  libc?: string[];
  optional?: boolean;
  os?: string[];
  optionalDependencies?: Record<string, string>;
}

export interface LockFile {
  packages: Record<string, LockEntry>;
}

/** `…-linux-arm64-musl`: how packages with one platform's binary are named. */
const PLATFORM =
  /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|ia32|ppc64|riscv64|s390x|x64)(?:-(gnu|musl|msvc|eabi|gnueabihf|musleabihf))?$/;

/**
 * Entries that a lock file lacks: optional packages of other platforms. npm leaves one out when the registry it talked to did
 * not offer it (a mirror for one platform), and from then on `npm ci` refuses the lock file on every platform. Such an entry
 * has no integrity; npm adds it where it can fetch the package.
 */
export function findMissingEntries({ packages }: LockFile): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {};
  for (const [parent, { dev, optionalDependencies = {} }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (`node_modules/${name}` in packages || `${parent}/node_modules/${name}` in packages) continue;
      missing[`node_modules/${name}`] = describePlatformPackage(name, version, dev === true);
    }
  }
  return missing;
}

/** In the order of keys that npm writes. */
function describePlatformPackage(name: string, version: string, dev: boolean): LockEntry {
  const [, os, cpu, abi] = PLATFORM.exec(name) ?? [];
  if (os === undefined || cpu === undefined)
    throw new Error(`package-lock.json lacks ${name}, which is no package for one platform; run "npm install".`);
  const libc = os === 'linux' && abi !== undefined ? [abi.startsWith('musl') ? 'musl' : 'glibc'] : undefined;
  return { version, cpu: [cpu], ...(dev ? { dev } : {}), ...(libc ? { libc } : {}), optional: true, os: [os] };
}
