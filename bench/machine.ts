import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { run } from '@groundcrew/kit';
import { findTerraform, openDatabase } from '../e2e/harness/index.ts';

/** What figures are worth nothing without. */
export interface Machine {
  cpu: string;
  cores: number;
  memory_gb: number;
  kernel: string;
  system: string;
  node: string;
  terraform: string;
  postgres: string;
}

/** @param home of a server that runs */
export async function describeMachine(home: string): Promise<Machine> {
  const { stdout } = await run([findTerraform(), 'version', '-json'], { env: { CHECKPOINT_DISABLE: '1', HOME: home } });
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    system: findSystem(),
    node: process.version,
    terraform: (JSON.parse(stdout) as { terraform_version: string }).terraform_version,
    postgres: await readPostgresVersion(home),
  };
}

export const formatMachine = (machine: Machine): string =>
  `${machine.cpu}, ${machine.cores} cores, ${machine.memory_gb} GB, ${machine.system}, Linux ${machine.kernel}, ` +
  `Node ${machine.node}, Terraform ${machine.terraform}, PostgreSQL ${machine.postgres}`;

async function readPostgresVersion(home: string): Promise<string> {
  const database = await openDatabase(home);
  try {
    const { rows } = await database.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version ?? 'unknown';
  } finally {
    await database.end();
  }
}

function findSystem(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}
