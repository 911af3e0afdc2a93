/** Limits of a configuration archive, checked by the CLI, by the server at upload and by the runner when it unpacks. */
export const ARCHIVE_LIMITS = {
  maxEntries: 20_000,
  maxFileBytes: 50 * 1024 * 1024,
  maxTotalBytes: 200 * 1024 * 1024,
  maxArchiveBytes: 100 * 1024 * 1024,
  maxPathLength: 512,
  maxDepth: 32,
} as const;

/** One entry of a tar archive as far as the rules need it; `type` in tar's words (`file`, `directory`, `symlink`, `link`, `fifo`, …). */
export interface ArchiveEntry {
  name: string;
  type: string;
  size: number;
}

/** Files that would change what Terraform does behind the server's back; they are left out when unpacked. */
const PLANTED = [
  /(^|\/)\.terraform(\/|$)/,
  /(^|\/)[^/]*\.tfstate(\.[^/]*)?$/,
  /(^|\/)errored\.tfstate$/,
  /(^|\/)\.terraformrc$/,
  /(^|\/)terraform\.rc$/,
  /(^|\/)terraform\.tfstate\.d(\/|$)/,
  /(^|\/)\.terraform\.tfstate\.lock\.info$/,
];

/** True for a path that is left out when a configuration is unpacked: planted state, backend or CLI settings. The lock file stays. */
export const isPlanted = (path: string): boolean => PLANTED.some((pattern) => pattern.test(path));

/** Takes `./` and a trailing slash off. */
export const normaliseEntryName = (name: string): string => name.replace(/^(\.\/)+/, '').replace(/\/+$/, '');

/**
 * The first thing wrong with an entry, as a sentence, or undefined.
 * Only regular files and folders below the root are accepted: links, devices and FIFOs can hang or escape (a FIFO named x.tf hangs Terraform for good).
 */
export function findEntryMistake(entry: ArchiveEntry): string | undefined {
  const name = normaliseEntryName(entry.name);
  const shown = JSON.stringify(entry.name.slice(0, 200));
  if (entry.type !== 'file' && entry.type !== 'directory')
    return `The archive holds ${shown}, a ${entry.type}; only regular files and folders are accepted. Replace it by a plain file.`;
  if (entry.name.startsWith('/') || /^[A-Za-z]:/.test(entry.name))
    return `The archive holds ${shown}, an absolute path; pack the folder with relative paths.`;
  if (name.includes('\\') || name.includes('\0'))
    return `The archive holds ${shown}, whose name has a backslash or NUL; rename it.`;
  const parts = name.split('/');
  if (parts.includes('..')) return `The archive holds ${shown}, which leads out of the folder; pack without "..".`;
  if (name.length > ARCHIVE_LIMITS.maxPathLength)
    return `The archive holds ${shown}…, a path longer than ${ARCHIVE_LIMITS.maxPathLength} characters; shorten it.`;
  if (parts.length > ARCHIVE_LIMITS.maxDepth)
    return `The archive holds ${shown}, nested deeper than ${ARCHIVE_LIMITS.maxDepth} folders; flatten it.`;
  if (entry.type === 'file' && entry.size > ARCHIVE_LIMITS.maxFileBytes)
    return `The archive holds ${shown} of ${entry.size} bytes; a file may have ${ARCHIVE_LIMITS.maxFileBytes}. List it in .terraformignore.`;
  return undefined;
}

/** The first thing wrong with an archive so far, as a sentence, or undefined. */
export function findArchiveMistake(totals: { entries: number; bytes: number }): string | undefined {
  if (totals.entries > ARCHIVE_LIMITS.maxEntries)
    return `The archive holds more than ${ARCHIVE_LIMITS.maxEntries} entries; list what Terraform does not need in .terraformignore.`;
  if (totals.bytes > ARCHIVE_LIMITS.maxTotalBytes)
    return `The archive holds more than ${ARCHIVE_LIMITS.maxTotalBytes} bytes unpacked; list what Terraform does not need in .terraformignore.`;
  return undefined;
}
