import { posix } from 'node:path';
import { execute, type Invocation, installProgram, type Program } from './child-process.ts';
import { descriptorOf, openAt, operation, statLine, writeTo } from './file-system.ts';
import { tryLock } from './open-file.ts';
import type { Process } from './process.ts';

/** util-linux's flock, on the descriptor that it inherits. */
export const flock: Program = async ({ process, args }) => {
  const wait = args.indexOf('-w');
  const deadline = process.host.world.loop.now() + (wait < 0 ? 0 : Number(args[wait + 1]) * 1000);
  const file = descriptorOf(process, Number(args.at(-1)));
  const kind = args.includes('-s') ? 'shared' : 'exclusive';
  const { bugs } = process.host.world;
  if (bugs.ignoresAlive && file.path.endsWith('/alive')) return 0;
  while (!tryLock(file, kind)) {
    if (process.host.world.loop.now() >= deadline) return 1;
    await process.sleep(10);
  }
  return 0;
};

/** util-linux's fallocate: makes room, or gives some back. */
export const fallocate: Program = async ({ process, args }) => {
  const figure = (name: string) => Number(args[args.indexOf(name) + 1]);
  const path = args.at(-1) ?? '';
  return operation(({ host }) => {
    const file = host.disk.makeFile(path, false);
    if (args.includes('--punch-hole')) file.bytes.fill(0, figure('--offset'), figure('--offset') + figure('--length'));
    else if (host.disk.freeBytes() < figure('--length')) return 1;
    else host.disk.truncate(file, figure('--length'));
    return 0;
  }).catch(() => (process.alive ? 1 : 0));
};

/** assets/launcher.sh, line by line. `terraform` is what it runs. */
export const launcher =
  (terraform: Program): Program =>
  async ({ process, args, env, input }) => {
    const [, record = '', fate = '-', folder = '', stdout = '', stderr = '', program = '', ...rest] = args;
    const alive = descriptorOf(process, 3);
    for (let waited = 0; !tryLock(alive, 'shared'); waited += 10) {
      if (waited >= 1_000) return 75;
      await process.sleep(10);
    }
    if ((await input).trim() !== 'go') return 0;
    if (process.host.disk.find(folder) === undefined) return 73;
    const durable = fate !== '-';
    if (durable && !(await writeFate(fate))) return 0;
    const child = process.host.start('terraform');
    child.descriptors.set(3, alive.hold());
    await writeText(`${record}.pid`, statLine(child));
    const outputs = { stdout: openAt(child, stdout, 'a'), stderr: openAt(child, stderr, 'a') };
    child.descriptors.set(1, outputs.stdout);
    child.descriptors.set(2, outputs.stderr);
    const status = await runChild(process, child, terraform, { program, args: rest, env, cwd: folder });
    await writeExit(process, record, status, durable);
    return 0;
  };

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

function runChild(
  launcherProcess: Process,
  child: Process,
  terraform: Program,
  given: { program: string; args: readonly string[]; env: Invocation['env']; cwd: string },
): Promise<number> {
  return new Promise((resolve) => {
    child.atExit.add(() => {
      const { code, signal } = child.exit ?? { code: 0, signal: null };
      const numbers: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };
      launcherProcess.after(0.5, () => resolve(signal === null ? (code ?? 0) : 128 + (numbers[signal] ?? 0)));
    });
    // Until its handlers stand, a signal ends it.
    child.after(2, () => execute(terraform, { process: child, ...given, input: Promise.resolve(''), print: () => {} }));
  });
}

/** A full disk is waited for: the launcher is the only witness. */
async function writeExit(process: Process, record: string, status: number, durable: boolean): Promise<void> {
  for (;;) {
    try {
      await writeText(`${record}.exit.new`, `${status}\n`);
      if (durable) await syncPath(`${record}.exit.new`);
      await operation(({ host }) => host.disk.rename(`${record}.exit.new`, `${record}.exit`));
      if (durable) await syncPath(posix.dirname(record));
      return;
    } catch {
      await process.sleep(1_000);
    }
  }
}

/** Makes everything known that a host has on its PATH. */
export function installPrograms(terraform: Program, runner: Program): void {
  installProgram('flock', flock);
  installProgram('fallocate', fallocate);
  installProgram('sh', launcher(terraform));
  installProgram('terraform', terraform);
  installProgram('runner', runner);
}
