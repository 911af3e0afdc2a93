import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastName, listFileNames } from '../configuration/config-files.ts';
import { renderVariables, type VariableValue } from './render-variables.ts';

/**
 * Writes the variables into the configuration's folder, readable by its owner only, under names that Terraform reads after all
 * `.auto.tfvars` files of the configuration, so that the workspace's values win. Undeclared variables give a warning; see
 * `findUndeclaredVariables`. Returns the names of the files.
 * @throws ConfigurationMistake as `renderVariables` does.
 */
export async function writeVariables(dir: string, variables: readonly VariableValue[]): Promise<string[]> {
  const rendered = renderVariables(variables);
  const rivals = (await listFileNames(dir)).filter((name) => /\.auto\.tfvars(\.json)?$/.test(name) && !OURS.test(name));
  const written: string[] = [];
  for (const [contents, stem, ending] of [
    [rendered.json, 'zzzz_groundcrew', '.auto.tfvars.json'],
    [rendered.hcl, 'zzzz_groundcrew_hcl', '.auto.tfvars'],
  ] as const) {
    if (contents === undefined) continue;
    const file = lastName(rivals, stem, ending);
    writeFileSync(join(dir, `${file}.draft`), contents, { mode: 0o600 });
    renameSync(join(dir, `${file}.draft`), join(dir, file));
    written.push(file);
  }
  return written;
}

const OURS = /(^|_)zzzz_groundcrew(_hcl)?\.auto\.tfvars/;
