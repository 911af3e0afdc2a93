import { ApiError, type Client } from '@groundcrew/client';
import type { Variable, VariableCategory } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { usageError } from '../../cli-error.ts';
import { createCommand } from '../../command.ts';
import { findVariable } from './find-variable.ts';
import { type Assignment, parseAssignment, readValue } from './read-value.ts';

interface SetOptions {
  sensitive?: boolean;
  hcl?: boolean;
  env?: boolean;
  file?: string;
  description?: string;
}

export const varSet = (cli: Cli): Command =>
  createCommand('set', 'Set variables of a workspace', cli, [
    'var set hello name=Ada',
    `var set network 'zones=["a","b"]' --hcl`,
    'var set network AWS_REGION=eu-west-1 --env',
    'var set network db_password --sensitive          # asks for the value',
    'var set network tls_key --sensitive --file key.pem',
  ])
    .argument('<workspace>', 'name or id')
    .argument('<key=value...>', 'with --sensitive or --file only the key')
    .option('--sensitive', 'encrypt it and never show it again; the value is asked for, or read from standard input')
    .option('--hcl', 'the value is an expression, such as a list')
    .option('--env', 'an environment variable instead of a Terraform one')
    .option('--file <path>', 'read the value from a file; "-" is standard input')
    .option('--description <text>', 'what it is for')
    .action(async (workspace: string, words: string[], options: SetOptions) => {
      const assignments = words.map(parseAssignment);
      checkAssignments(assignments, options);
      const client = await cli.client();
      const saved: Variable[] = [];
      for (const { key, value } of assignments) {
        const text = value ?? (await readValue(cli.io, key, options.file));
        saved.push(await save(client, workspace, { key, value: text, fromArgv: value !== undefined }, options));
      }
      cli.print(saved, () => saved.map((variable) => `Set ${describe(variable)}.`).join('\n'));
    });

function checkAssignments(assignments: readonly Assignment[], { sensitive, file }: SetOptions): void {
  const typed = assignments.find(({ value }) => value !== undefined);
  if (sensitive && typed)
    throw usageError(
      `A sensitive value must not stand on the command line. Give only the key, "${typed.key}": its value is asked for, piped in, or read with --file.`,
    );
  if (file !== undefined && (assignments.length !== 1 || typed))
    throw usageError('With --file, give one key without a value.');
  const bare = assignments.find(({ value }) => value === undefined);
  if (!sensitive && file === undefined && bare) throw usageError(`"${bare.key}" has no value; type ${bare.key}=value.`);
}

interface NewValue {
  key: string;
  value: string;
  /** It stood on the command line, and so is no secret any more. */
  fromArgv: boolean;
}

/** Changes the variable, or adds it; of two who add it at once, the second one changes it. */
async function save(client: Client, workspace: string, given: NewValue, options: SetOptions): Promise<Variable> {
  const category: VariableCategory = options.env ? 'env' : 'terraform';
  const existing = await findVariable(client, workspace, given.key, category);
  if (existing !== undefined) return change(client, workspace, existing, given, options);
  const { key, value } = given;
  const body = { key, value, category, ...flagsOf(options) };
  try {
    return await client.call('createVariable', { params: { workspace_id: workspace }, body });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'name_taken') throw error;
    const now = await findVariable(client, workspace, key, category);
    if (now === undefined) throw error;
    return change(client, workspace, now, given, options);
  }
}

async function change(
  client: Client,
  workspace: string,
  variable: Variable,
  given: NewValue,
  options: SetOptions,
): Promise<Variable> {
  if (variable.sensitive && given.fromArgv)
    throw usageError(
      `"${variable.key}" is sensitive: add --sensitive and give only the key, so that its value does not stand on the command line.`,
    );
  const body = { value: given.value, ...flagsOf(options) };
  return client.call('updateVariable', { params: { workspace_id: workspace, variable_id: variable.id }, body });
}

const flagsOf = ({ sensitive, hcl, description }: SetOptions) => ({
  ...(sensitive === undefined ? {} : { sensitive }),
  ...(hcl === undefined ? {} : { hcl }),
  ...(description === undefined ? {} : { description }),
});

const describe = ({ key, category, sensitive }: Variable): string =>
  `${category === 'env' ? 'environment variable ' : ''}${key}${sensitive ? ' (sensitive)' : ''}`;
