import type { Client } from '@groundcrew/client';
import type { Variable, VariableCategory } from '@groundcrew/protocol';
import { collectPages } from '../../session/pages.ts';

const ALL = 10_000;

export const listVariables = (client: Client, workspace: string): Promise<Variable[]> =>
  collectPages(ALL, (query) => client.call('listVariables', { params: { workspace_id: workspace }, query }));

/** The variable of this key and kind; a key may exist once as a Terraform and once as an environment variable. */
export async function findVariable(
  client: Client,
  workspace: string,
  key: string,
  category: VariableCategory,
): Promise<Variable | undefined> {
  const variables = await listVariables(client, workspace);
  return variables.find((variable) => variable.key === key && variable.category === category);
}
