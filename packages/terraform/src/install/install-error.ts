/**
 * Why a version could not be installed. `unreachable`, `busy` and `disk` may be gone at the next try or on another agent; the
 * others stay until somebody changes the version, the mirror, the key or the host.
 */
export type InstallFailure =
  | 'unreachable'
  | 'busy'
  | 'disk'
  | 'not_offered'
  | 'missing_key'
  | 'bad_signature'
  | 'bad_checksum'
  | 'bad_archive'
  | 'not_runnable'
  | 'misconfigured';

const PASSING: readonly InstallFailure[] = ['unreachable', 'busy', 'disk'];

/** `message` is one or two sentences with the way out. */
export class InstallError extends Error {
  override name = 'InstallError';
  readonly failure: InstallFailure;
  constructor(failure: InstallFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
  /** True when trying again later can help. */
  get passing(): boolean {
    return PASSING.includes(this.failure);
  }
}

/** Turns trouble with files into an {@link InstallError}; anything else comes back as it is. */
export function explainDisk(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, path } = error as NodeJS.ErrnoException;
  const where = path === undefined ? 'the folder for installed versions' : path;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new InstallError('disk', `There is no space left for ${where}; make room on the host.`, { cause: error });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new InstallError(
      'misconfigured',
      `${where} cannot be written; give the agent a folder for installed versions that it owns.`,
      { cause: error },
    );
  }
  return error;
}
