/** The programs this package knows how to find, install and run. */
export const TOOLS = ['terraform', 'tofu'] as const;
export type Tool = (typeof TOOLS)[number];

/** A program that is ready to run. */
export interface InstalledTool {
  tool: Tool;
  /** Without a leading `v`, e.g. `1.11.4` or `1.12.0-beta1`. */
  version: string;
  /** Absolute path of the executable. */
  path: string;
}

/** What people call the tool, for sentences. */
export const toolTitle = (tool: Tool): string => (tool === 'tofu' ? 'OpenTofu' : 'Terraform');

const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/** True for a full version such as `1.11.4`; constraints (`~> 1.11`) and `latest` are none. */
export const isVersion = (text: string): boolean => text.length <= 64 && VERSION.test(text);

/**
 * The version in the answer of `<tool> version -json`.
 * @throws Error when the answer is not what Terraform or OpenTofu prints.
 */
export function parseVersionOutput(stdout: string): string {
  let version: unknown;
  try {
    version = (JSON.parse(stdout) as { terraform_version?: unknown } | null)?.terraform_version;
  } catch {
    version = undefined;
  }
  if (typeof version === 'string' && isVersion(version)) return version;
  throw new Error(`"version -json" answered ${JSON.stringify(stdout.slice(0, 120))}, which names no version`);
}
