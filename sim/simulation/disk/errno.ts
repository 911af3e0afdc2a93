const SENTENCES: Record<string, string> = {
  ENOENT: 'no such file or directory',
  EEXIST: 'file already exists',
  ENOTDIR: 'not a directory',
  EISDIR: 'illegal operation on a directory',
  ENOTEMPTY: 'directory not empty',
  ENOSPC: 'no space left on device',
  EBADF: 'bad file descriptor',
  EADDRINUSE: 'address already in use',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  ESRCH: 'no such process',
};

/** An error as Node throws it for a refused system call. */
export function errno(code: keyof typeof SENTENCES & string, call: string, path = ''): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: ${SENTENCES[code]}, ${call} '${path}'`);
  error.code = code;
  error.syscall = call;
  if (path !== '') error.path = path;
  return error;
}
