import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Set to `1` to skip the tests that need a real Terraform; without it they fail where there is none. */
export const SKIP_TERRAFORM = process.env.GROUNDCREW_TEST_SKIP_TERRAFORM === '1';

/** A folder below the system's temporary one, removed after the test. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'gc-tf-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A folder with these files. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const dir = temporaryFolder();
  for (const [name, contents] of Object.entries(files)) writeFileSync(join(dir, name), contents);
  return dir;
}

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
  /** Both streams in the order in which they came in. */
  output: string;
}

/** Runs the real Terraform in `dir` with a made environment; rejects when there is none. */
export function terraform(
  dir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'terraform',
      args,
      { cwd: dir, env: { ...terraformEnv(dir), ...env }, maxBuffer: 1 << 28 },
      (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr, output });
      },
    );
    let output = '';
    child.stdout?.on('data', (text) => (output += text));
    child.stderr?.on('data', (text) => (output += text));
    child.stdin?.end();
  });
}

/** What a plan says, through `init`, `plan` and `show -json`; fails the test with Terraform's words when one of them fails. */
export async function planJson(dir: string, planArguments: readonly string[] = []): Promise<string> {
  await succeed(dir, ['init', '-input=false']);
  await succeed(dir, ['plan', '-input=false', '-out=plan', ...planArguments]);
  return (await succeed(dir, ['show', '-json', 'plan'])).stdout;
}

export async function succeed(
  dir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const finished = await terraform(dir, args, env);
  if (finished.code !== 0)
    throw new Error(`terraform ${args.join(' ')} ended with ${finished.code}:\n${finished.output}`);
  return finished;
}

export const terraformEnv = (home: string): Record<string, string> => ({
  PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
  HOME: home,
  TF_CLI_CONFIG_FILE: '/dev/null',
  TF_IN_AUTOMATION: '1',
  CHECKPOINT_DISABLE: '1',
});

/** The version of the Terraform on PATH. */
export const realTerraformVersion = (): string =>
  JSON.parse(execFileSync('terraform', ['version', '-json'], { env: terraformEnv('/nonexistent') }).toString())
    .terraform_version;

/** An http back end on the loopback interface without memory: no state, every lock granted, POSTs answered with `postStatus`. */
export async function startStateServer(postStatus = 200): Promise<Record<string, string>> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () =>
      response.writeHead(request.method === 'POST' ? postStatus : request.method === 'GET' ? 204 : 200).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { TF_HTTP_ADDRESS: address, TF_HTTP_LOCK_ADDRESS: address, TF_HTTP_UNLOCK_ADDRESS: address };
}
