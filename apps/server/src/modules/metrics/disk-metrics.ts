import { statfs } from 'node:fs/promises';
import { Gauge, type Registry } from 'prom-client';

/** Room on the file system of the server's home, where its own database lies. */
export function addDiskMetrics(registry: Registry, home: string): void {
  const room: readonly [string, string, (disk: { bavail: number; blocks: number }) => number][] = [
    ['iac_home_free_bytes', "Free room on the file system of the server's home.", ({ bavail }) => bavail],
    ['iac_home_size_bytes', "Size of the file system of the server's home.", ({ blocks }) => blocks],
  ];
  for (const [name, help, blocksOf] of room)
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const disk = await statfs(home).catch(() => undefined);
        if (disk === undefined) this.remove();
        else this.set(blocksOf(disk) * disk.bsize);
      },
    });
}
