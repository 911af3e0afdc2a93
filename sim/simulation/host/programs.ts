import { installProgram, type Program } from './child-process.ts';
import { descriptorOf, operation } from './file-system.ts';
import { launcher } from './launcher-program.ts';
import { tryLock } from './open-file.ts';

/** util-linux's flock, on the descriptor that it inherits. */
const flock: Program = async ({ process, args }) => {
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
const fallocate: Program = async ({ process, args }) => {
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

/** Makes everything known that a host has on its PATH. */
export function installPrograms(terraform: Program, runner: Program): void {
  installProgram('flock', flock);
  installProgram('fallocate', fallocate);
  installProgram('sh', launcher(terraform));
  installProgram('terraform', terraform);
  installProgram('runner', runner);
}
