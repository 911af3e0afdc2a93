import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Tool } from '@groundcrew/protocol';
import { CliError } from '../cli-error.ts';

/** A program that can carry out tasks. */
export interface FoundTool {
  tool: Tool;
  path: string;
}

/** Terraform or OpenTofu on PATH, Terraform first. @throws CliError that says what to do when there is neither */
export async function findTool(env: NodeJS.ProcessEnv): Promise<FoundTool> {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const tool of ['terraform', 'tofu'] as const) {
    for (const folder of folders) {
      const path = join(folder, tool);
      if (await isExecutable(path)) return { tool, path };
    }
  }
  throw new CliError(
    'Neither terraform nor tofu is on PATH: install one of them (https://developer.hashicorp.com/terraform/install or https://opentofu.org/docs/intro/install) and start again.',
    { code: 'no_terraform' },
  );
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
