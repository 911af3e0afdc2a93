import { sha256Hex } from '@groundcrew/kit';

export const NONCE = 'nonce-nonce-nonce';

/** A state as Terraform writes it. */
export const makeState = (serial: number, lineage = 'lineage-1', outputs: Record<string, unknown> = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      version: 4,
      terraform_version: '1.11.4',
      serial,
      lineage,
      outputs,
      resources: [],
      check_results: null,
    }),
  );

/** Headers of a state that goes as bytes. */
export const stateHeaders = (state: Buffer) => ({
  'content-type': 'application/octet-stream',
  'x-content-sha256': sha256Hex(state),
});

/** A log chunk as JSON. */
export const logChunk = (phase: 'plan' | 'apply', offset: number, content: string | Buffer) => {
  const bytes = Buffer.from(content as string);
  return { phase, offset, content_base64: bytes.toString('base64'), checksum: sha256Hex(bytes) };
};

/** An exit record with nothing in it but what is given. */
export const exitRecord = (given: Record<string, unknown> = {}) => ({
  result: 'succeeded',
  exit_code: 0,
  signal: null,
  logs: [] as { phase: string; length: number; checksum: string }[],
  ...given,
});

/** What an exit record says of a log. */
export const logEnd = (phase: 'plan' | 'apply', content: string | Buffer) => {
  const bytes = Buffer.from(content as string);
  return { phase, length: bytes.length, checksum: sha256Hex(bytes) };
};

/** What an exit record says of the last state. */
export const markOf = (state: Buffer) => {
  const { lineage, serial } = JSON.parse(state.toString('utf8')) as { lineage: string; serial: number };
  return { lineage, serial, checksum: sha256Hex(state) };
};

/** What an attempt says of its plan: one resource is added. */
export const planReport = (
  plan_checksum: string,
  given: { lineage?: string | null; serial?: number | null; hasChanges?: boolean } = {},
) => ({
  details: {
    counts: { add: 1, change: 0, destroy: 0, replace: 0, import: 0 },
    has_changes: given.hasChanges ?? true,
    terraform_version: '1.11.4',
    resource_changes: [],
    output_changes: [],
  },
  plan_checksum,
  lineage: given.lineage ?? null,
  serial: given.serial ?? null,
});
