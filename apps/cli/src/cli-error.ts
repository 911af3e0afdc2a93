/** Exit codes of the command; a followed task adds Terraform's verdict, see `follow/verdict.ts`. */
export const EXIT = { ok: 0, failed: 1, usage: 2, changes: 2, cancelled: 130 } as const;

/** Something that went wrong, told in one sentence with the way out. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: string;
  readonly exitCode: number;

  /** @param code for machines, in `--json` */
  constructor(message: string, { code = 'failed', exitCode = EXIT.failed }: { code?: string; exitCode?: number } = {}) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** The command was typed in a way that cannot be carried out. */
export const usageError = (message: string): CliError => new CliError(message, { code: 'usage', exitCode: EXIT.usage });
