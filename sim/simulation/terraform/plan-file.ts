import type { Terraform } from './terraform-process.ts';

/** What a simulated plan file holds. */
export interface PlanFile {
  readonly id: string;
  readonly madeBy: number;
  readonly lineage: string;
  /** Null when there was no state. */
  readonly priorSerial: number | null;
  /** Resources that exist already. */
  readonly prior: readonly string[];
  /** Resources that it will make. */
  readonly makes: readonly string[];
}

export interface State {
  readonly lineage: string;
  readonly serial: number;
  readonly resources: readonly string[];
}

/** A state as Terraform writes it. */
export function renderState({ lineage, serial, resources }: State): string {
  const rows = resources.map((address) => {
    const [, type, name, index] = /^(\w+)\.(\w+)\[(\d+)\]$/.exec(address) ?? [];
    const instances = [{ index_key: Number(index), schema_version: 0, attributes: { id: address } }];
    return { mode: 'managed', type, name, provider: 'provider["registry.terraform.io/hashicorp/null"]', instances };
  });
  return JSON.stringify({ version: 4, terraform_version: '1.11.4', serial, lineage, outputs: {}, resources: rows });
}

export function parseState(bytes: Uint8Array): State {
  const { lineage, serial, resources } = JSON.parse(Buffer.from(bytes).toString()) as {
    lineage: string;
    serial: number;
    resources: { type: string; name: string; instances: { index_key: number }[] }[];
  };
  const addresses = resources.flatMap(({ type, name, instances }) =>
    instances.map(({ index_key }) => `${type}.${name}[${index_key}]`),
  );
  return { lineage, serial, resources: addresses };
}

/** Asks the back end; undefined when the workspace has no state. */
export async function readState(run: Terraform): Promise<State | undefined> {
  const { status, body } = await run.backend.call('GET');
  return status === 200 ? parseState(body) : undefined;
}
