import { closeSync, fstatSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface RotatingFileOptions {
  path: string;
  /** A file that would become larger is put aside as `<path>.1`; those before move on by one, the oldest goes. */
  maxBytes: number;
  /** How many files are kept beside the current one. */
  maxFiles: number;
  /** Milliseconds of a clock that nobody sets; for tests. */
  now?: () => number;
}

/** How often to look whether the file at the path is still ours, and to try again what did not work. */
const LOOK_EVERY_MS = 1_000;

/**
 * A log file that stays small. Each line is written at once and whole, so a killed process leaves no half of one, and putting aside is
 * renames alone: killed between any two of them, every line is still in a file of the row, and the next time fills the gap. Another
 * process, or logrotate, may put the same file aside as well: that shows within a second, and ours follows.
 *
 * A disk that is full, or a folder that went away, costs lines and never the process; once there is room again, a line says how many
 * are missing. Throws only when the file cannot be opened at the start for another reason, such as missing rights.
 */
export function openRotatingFile({ path, maxBytes, maxFiles, now = () => performance.now() }: RotatingFileOptions) {
  let file: OpenFile | undefined = openFirst(path);
  let lookAt = now() + LOOK_EVERY_MS;
  let rotateAt = 0;
  let lost = 0;
  let isTorn = false;

  /** Follows whoever put the file aside or removed it, and sees what others wrote to it. */
  function follow(): void {
    if (file !== undefined && now() < lookAt) return;
    lookAt = now() + LOOK_EVERY_MS;
    const size = file && sizeAt(path, file);
    if (file === undefined || size === undefined) reopen();
    else file.size = size;
  }

  /** Keeps what is open when the path cannot be had: a line in the wrong file is better than none. */
  function reopen(): void {
    const opened = tryOpen(path);
    if (opened === undefined) return;
    if (file !== undefined) closeSync(file.fd);
    file = opened;
  }

  /** Where nothing can be moved, lines go on into the same file, and it is tried again a second later. */
  function rotate(open: OpenFile): void {
    if (now() < rotateAt) return;
    // Somebody else may have done it since we last looked; twice would push out a file too many.
    if (sizeAt(path, open) === undefined || putAside(path, maxFiles)) reopen();
    if (file === open) rotateAt = now() + LOOK_EVERY_MS;
  }

  function writeLine(line: string): void {
    follow();
    const bytes = Buffer.byteLength(line);
    if (file !== undefined && file.size > 0 && file.size + bytes > maxBytes) rotate(file);
    if (file === undefined) throw new Error('there is no file');
    const start = isTorn ? '\n' : '';
    file.size += writeWhole(file.fd, `${start}${line}`, () => {
      isTorn = true;
    });
    isTorn = false;
  }

  return {
    write(line: string): void {
      try {
        if (lost > 0) {
          writeLine(lostLine(lost));
          lost = 0;
        }
        writeLine(line);
      } catch {
        lost += 1;
      }
    },
  };
}

interface OpenFile {
  fd: number;
  ino: number;
  dev: number;
  size: number;
}

function open(path: string): OpenFile {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, 'a', 0o640);
  const { ino, dev, size } = fstatSync(fd);
  return { fd, ino, dev, size };
}

function tryOpen(path: string): OpenFile | undefined {
  try {
    return open(path);
  } catch {
    return undefined;
  }
}

function openFirst(path: string): OpenFile | undefined {
  try {
    return open(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') return undefined;
    throw new Error(
      `The log file ${path} cannot be opened: ${message}. Give the program another one, or the right to it.`,
    );
  }
}

/** Size of the file at the path; undefined when that is another one, or none. */
function sizeAt(path: string, { ino, dev }: OpenFile): number | undefined {
  try {
    const found = statSync(path);
    return found.ino === ino && found.dev === dev ? found.size : undefined;
  } catch {
    return undefined;
  }
}

/** Moves files on by one up to the first gap, the last one over the oldest. False when the current file could not be moved. */
function putAside(path: string, maxFiles: number): boolean {
  let free = 1;
  while (free < maxFiles && exists(`${path}.${free}`)) free += 1;
  try {
    for (let number = free; number > 1; number -= 1) renameSync(`${path}.${number - 1}`, `${path}.${number}`);
    renameSync(path, `${path}.1`);
    return true;
  } catch {
    return false;
  }
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** All of a text, or an error; `onTorn` when a part of it was written and the rest not. Gives the number of bytes. */
function writeWhole(fd: number, text: string, onTorn: () => void): number {
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(fd, bytes, written);
  } catch (error) {
    if (written > 0) onTorn();
    throw error;
  }
  return bytes.length;
}

const lostLine = (count: number): string =>
  `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), name: 'log', lost_lines: count, msg: 'lines could not be written here, for want of room or because the folder was away' })}\n`;
