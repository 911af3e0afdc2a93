import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentOptions, type RunningAgent, startAgent } from './agent.ts';
import { buildOnce } from './bundles.ts';
import { endProcessesBelow, endProcessesNow } from './process-tree.ts';
import { type RunningServer, type ServerOptions, startServer } from './server.ts';

/** A folder of its own, the real programs that work in it, and their end. */
export interface Lab {
  readonly folder: string;
  startServer(options?: ServerOptions): Promise<RunningServer>;
  startAgent(options: AgentOptions): Promise<RunningAgent>;
  /** A new folder inside. */
  newFolder(name: string): string;
  /** Called once no process works in the folder any more, before it is removed; also when this process exits. Must not wait. */
  onEnded(release: () => void): void;
  /** Ends every process that works in the folder, and removes it. Kept with `GROUNDCREW_TEST_KEEP=1`, to look at logs. */
  close(): Promise<void>;
}

/** Makes the bundles if need be. Nothing of a lab outlives this process, even when `close` is never called. */
export async function createLab(): Promise<Lab> {
  await buildOnce();
  const folder = mkdtempSync(join(tmpdir(), 'gc-lab-'));
  const closers: (() => Promise<unknown>)[] = [];
  const releases: (() => void)[] = [];
  const release = () => {
    for (const give of releases.splice(0)) give();
  };
  const onExit = () => {
    endProcessesNow(folder);
    release();
  };
  process.once('exit', onExit);

  function newFolder(name: string): string {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }

  return {
    folder,
    newFolder,
    onEnded: (give) => void releases.push(give),
    async startServer(options = {}) {
      const server = await startServer(folder, options);
      closers.push(() => server.stop());
      return server;
    },
    async startAgent(options) {
      const agent = await startAgent(options.folder ?? folder, options);
      closers.push(() => agent.stop());
      return agent;
    },
    async close() {
      for (const close of closers.toReversed()) await close().catch(() => undefined);
      await endProcessesBelow(folder);
      release();
      process.off('exit', onExit);
      if (process.env.GROUNDCREW_TEST_KEEP !== '1') rmSync(folder, { recursive: true, force: true });
    },
  };
}
