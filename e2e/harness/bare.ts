import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { findTerraform } from './terraform.ts';

export interface BareOptions {
  /** Where the folder for the run is made; it is removed afterwards. */
  folder: string;
  files: Readonly<Record<string, string | Uint8Array>>;
  /** `http`: an in-process server that keeps the state in memory, the same kind that Groundcrew's runner gives Terraform. */
  backend: 'local' | 'http';
  variables?: Readonly<Record<string, string>>;
  /** Further arguments of plan. */
  planArguments?: readonly string[];
  /** The program; the one on PATH when not given. */
  terraform?: string;
}

/** What Terraform did without us. */
export interface BareRun {
  /** Milliseconds per command, and `total` from the first one's start to the last one's end. */
  ms: Record<'init' | 'plan' | 'show' | 'apply' | 'total', number>;
  /** What they printed. */
  init: string;
  plan: string;
  apply: string;
}

/** Runs the commands that a runner runs, `init`, `plan -out`, `show -json`, `apply`, with nobody in between. */
export async function runBare(options: BareOptions): Promise<BareRun> {
  const folder = mkdtempSync(join(options.folder, 'bare-'));
  for (const [path, content] of Object.entries(options.files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const backend = options.backend === 'http' ? await startStateServer() : undefined;
  if (backend) writeFileSync(join(folder, 'zz_override.tf'), `terraform {\n  backend "http" {}\n}\n`);
  try {
    return await runCommands(folder, options, backend?.env ?? {});
  } finally {
    await backend?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runCommands(folder: string, options: BareOptions, backend: Record<string, string>): Promise<BareRun> {
  const variables = Object.entries(options.variables ?? {}).map(([key, value]) => [`TF_VAR_${key}`, value]);
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    CHECKPOINT_DISABLE: '1',
    TF_IN_AUTOMATION: '1',
    ...backend,
    ...Object.fromEntries(variables),
  };
  const ms = { init: 0, plan: 0, show: 0, apply: 0, total: 0 };
  const run = async (name: 'init' | 'plan' | 'show' | 'apply', args: readonly string[]) => {
    const startedAt = performance.now();
    const output = join(folder, `${name}.output`);
    await runToFile(options.terraform ?? findTerraform(), [name, ...args], { cwd: folder, env, output });
    ms[name] = performance.now() - startedAt;
    return readFileSync(output, 'utf8');
  };
  const startedAt = performance.now();
  const init = await run('init', ['-input=false']);
  const plan = await run('plan', ['-input=false', '-out=plan.bin', ...(options.planArguments ?? [])]);
  await run('show', ['-json', 'plan.bin']);
  const parallelism = (options.planArguments ?? []).filter((word) => word.startsWith('-parallelism'));
  const apply = await run('apply', ['-input=false', ...parallelism, 'plan.bin']);
  ms.total = performance.now() - startedAt;
  return { ms, init, plan, apply };
}

/** With its output in a file, so that nobody's reading slows it down. */
async function runToFile(
  program: string,
  args: readonly string[],
  { cwd, env, output }: { cwd: string; env: NodeJS.ProcessEnv; output: string },
): Promise<void> {
  const file = openSync(output, 'w');
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', file, file] });
  closeSync(file);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`terraform ${args.join(' ')} ended with ${code}:\n${readFileSync(output, 'utf8')}`);
}

/** The far side of Terraform's `http` back end, as little of it as works. */
async function startStateServer(): Promise<{ env: Record<string, string>; close: () => Promise<void> }> {
  let state: Buffer | undefined;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method === 'POST') state = Buffer.concat(chunks);
    if (request.method !== 'GET') response.end();
    else if (state === undefined) response.writeHead(404).end();
    else response.end(state);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/state`;
  const env = {
    TF_HTTP_ADDRESS: url,
    TF_HTTP_LOCK_ADDRESS: url,
    TF_HTTP_UNLOCK_ADDRESS: url,
    TF_HTTP_LOCK_METHOD: 'LOCK',
    TF_HTTP_UNLOCK_METHOD: 'UNLOCK',
  };
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { env, close };
}
