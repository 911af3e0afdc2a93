import { closeSync, writeSync } from 'node:fs';

export interface Ready {
  url: string;
  /** Null once somebody has signed in. */
  signInToken: string | null;
  /** A descriptor that a parent process waits at for one line of JSON, `GROUNDCREW_READY_FD`. */
  readyFd?: string | undefined;
}

/**
 * Says that requests are taken: to a parent as `{"url", "sign_in_token"}`, else to people. The sign-in token is told here and
 * nowhere else; only its hash is kept.
 */
export function tellReady({ url, signInToken, readyFd }: Ready): void {
  const fd = readyFd === undefined ? undefined : Number(readyFd);
  if (fd !== undefined && Number.isInteger(fd) && fd > 2) {
    writeSync(fd, `${JSON.stringify({ url, sign_in_token: signInToken })}\n`);
    closeSync(fd);
    return;
  }
  const seconds = (performance.now() / 1000).toFixed(1);
  process.stdout.write(`Groundcrew is ready at ${url} after ${seconds} s.\n`);
  if (signInToken !== null)
    process.stdout.write(
      `To sign in, once and within a day: groundcrew login ${url}, and give it this token: ${signInToken}\n`,
    );
}
