import { posix } from 'node:path';
import type { Process } from '../world.ts';
import { execute, type Invocation, type Program } from './child-process.ts';
import { descriptorOf, openAt, operation, readAt, statLine, writeTo } from './file-system.ts';
import { type OpenFile, tryLock } from './open-file.ts';

/** What an order says; see `launcher.sh`. */
interface Order {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly record: string;
  /** Empty for what is no apply. */
  readonly fate: string;
  readonly folder: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** assets/launcher.sh, line by line. `terraform` is what it runs. */
export const launcher =
  (terraform: Program): Program =>
  async ({ process, input }) => {
    const alive = descriptorOf(process, 3);
    for (let waited = 0; !tryLock(alive, 'shared'); waited += 10) {
      if (waited >= 1_000) return 75;
      await process.sleep(10);
    }
    const path = (await input).split('\n')[0] ?? '';
    if (path === '') return 0;
    const order = await operation(() => parseOrder(readAt(process, path).toString()));
    if (process.host.disk.find(order.folder) === undefined) return 73;
    if (order.fate !== '' && !(await writeFate(order.fate))) return 0;
    const child = await startChild(process, order, alive);
    const status = await runChild(process, child, terraform, order);
    await writeExit(process, order, status);
    return 0;
  };

/** Reads what the runner wrote for the shell: assignments, exports and positional parameters, all in single quotes. */
function parseOrder(text: string): Order {
  const env: Record<string, string> = {};
  const own: Record<string, string> = {};
  let words: string[] = [];
  for (const line of splitOutsideQuotes(text, '\n')) {
    const set = /^set -- (.*)$/s.exec(line)?.[1];
    if (set !== undefined) words = splitOutsideQuotes(set, ' ').map(unquote);
    const [, exported, key = '', value = ''] = /^(export )?(\w+)=(.*)$/s.exec(line) ?? [];
    if (set === undefined && key !== '') (exported === undefined ? own : env)[key] = unquote(value);
  }
  const { gc__record: record = '', gc__fate: fate = '', gc__folder: folder = '' } = own;
  return { words, env, record, fate, folder, stdout: own.gc__stdout ?? '', stderr: own.gc__stderr ?? '' };
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts = [''];
  let isQuoted = false;
  for (const [at, char] of [...text].entries()) {
    if (char === "'" && [...text][at - 1] !== '\\') isQuoted = !isQuoted;
    if (char === separator && !isQuoted) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}

const unquote = (word: string): string => word.replaceAll("'\\''", '\0').replaceAll("'", '').replaceAll('\0', "'");

async function writeFate(path: string): Promise<boolean> {
  try {
    const file = await operation((process) => openAt(process, path, 'wx'));
    await operation((process) => writeTo(process, file, Buffer.from('started\n')));
    file.release();
  } catch {
    return false;
  }
  await syncPath(path);
  await syncPath(posix.dirname(path));
  return true;
}

const syncPath = (path: string): Promise<void> =>
  operation(({ host }) => {
    const node = host.disk.find(path);
    if (node !== undefined && !host.world.bugs.forgetsSync) host.disk.sync(node);
  }, 10);

async function writeText(path: string, text: string): Promise<void> {
  const file = await operation((process) => openAt(process, path, 'w'));
  await operation((process) => writeTo(process, file, Buffer.from(text)));
  file.release();
}

async function startChild({ host }: Process, { record, stdout, stderr }: Order, alive: OpenFile): Promise<Process> {
  const child = host.start('terraform');
  child.descriptors.set(3, alive.hold());
  // A shell goes on when its echo finds no room.
  await writeText(`${record}.pid`, statLine(child)).catch(() => {});
  child.descriptors.set(1, openAt(child, stdout, 'a'));
  child.descriptors.set(2, openAt(child, stderr, 'a'));
  return child;
}

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

function runChild(mother: Process, child: Process, program: Program, { words, env, folder }: Order): Promise<number> {
  const [, ...args] = words;
  const invocation: Invocation = {
    process: child,
    args,
    env,
    cwd: folder,
    input: Promise.resolve(''),
    print: () => {},
  };
  return new Promise((resolve) => {
    child.atExit.add(() => {
      const { code, signal } = child.exit ?? { code: 0, signal: null };
      mother.after(0.5, () => resolve(signal === null ? (code ?? 0) : 128 + (SIGNAL_NUMBERS[signal] ?? 0)));
    });
    // Until its handlers stand, a signal ends it.
    child.after(2, () => execute(program, invocation));
  });
}

/** A full disk is waited for: the launcher is the only witness. */
async function writeExit(process: Process, { record, fate }: Order, status: number): Promise<void> {
  for (;;) {
    try {
      await writeText(`${record}.exit`, `${status}\n`);
      if (fate === '') return;
      await syncPath(`${record}.exit`);
      return await syncPath(posix.dirname(record));
    } catch {
      await process.sleep(1_000);
    }
  }
}
