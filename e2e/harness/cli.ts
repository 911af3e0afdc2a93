import { run } from '@groundcrew/kit';
import { bundleOf } from './bundles.ts';
import type { RunningServer } from './server.ts';

export interface CliResult {
  code: number | null;
  out: string;
  err: string;
}

/** The command as a person without a terminal runs it, signed in to the server. */
export async function runCli({ url, token, home }: RunningServer, ...argv: string[]): Promise<CliResult> {
  const env = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: home,
    GROUNDCREW_URL: url,
    GROUNDCREW_TOKEN: token,
    GROUNDCREW_COMMAND: 'groundcrew',
  };
  const { code, stdout, stderr } = await run([process.execPath, bundleOf('cli'), ...argv], { env, cwd: home });
  return { code, out: stdout, err: stderr };
}
