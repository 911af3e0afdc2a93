import { InstallError } from './install-error.ts';

/**
 * The SHA-256 of `archive` in a list as `sha256sum` writes it.
 * @throws InstallError when the release has no such archive.
 */
export function findChecksum(list: string, archive: string): string {
  for (const line of list.split('\n')) {
    const [, sum, name] = /^([0-9a-fA-F]{64})[ \t]+\*?(\S+)\s*$/.exec(line) ?? [];
    if (sum !== undefined && name === archive) return sum.toLowerCase();
  }
  throw new InstallError(
    'not_offered',
    `The release has no ${archive}; it is not made for this platform. Choose another version or another agent.`,
  );
}
