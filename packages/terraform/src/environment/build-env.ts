import { findReservation } from './reserved-names.ts';

/** Where Terraform's `http` back end finds the attempt's state. */
export interface BackendAccess {
  /** URL for state, LOCK and UNLOCK alike. */
  address: string;
  username: string;
  password: string;
}

export interface EnvironmentOptions {
  /** PATH for Terraform, its providers and provisioners. */
  path: string;
  /** An empty folder of the attempt's own. */
  home: string;
  /** A folder for temporary files, removed with the attempt. */
  tmp: string;
  /** See `renderCliConfig`; the file must exist, or every command prints a warning. */
  cliConfigFile: string;
  /** Left out for commands that do not touch the state, such as `show -json` of a plan. */
  backend?: BackendAccess;
  /** Variables of category `env`, decrypted. */
  userEnv: Readonly<Record<string, string>>;
  /** Shared by several attempts only when the caller holds a lock around `init`: parallel ones corrupt it. */
  pluginCacheDir?: string;
}

/** A variable that was not passed on, with the reason as a sentence. The value is never in it. */
export interface RefusedVariable {
  name: string;
  reason: string;
}

// Linux refuses to start a program when one entry, name and all, is longer than 128 KiB; all together have about 2 MB.
const ENTRY_LIMIT_BYTES = 100_000;
const TOTAL_LIMIT_BYTES = 1_000_000;
// Practically endless: the relay may be away as long as it takes to restart it, and an apply must not fail for that.
const HTTP_RETRIES = 2880;
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/**
 * The whole environment of Terraform, made from nothing: what is not named here is not passed on. A user's variables are added
 * unless the name is reserved, malformed, or the value cannot be an environment variable; those come back in `refused`, and
 * the caller decides whether that fails the task.
 */
export function buildEnv(options: EnvironmentOptions): { env: Record<string, string>; refused: RefusedVariable[] } {
  const env: Record<string, string> = { LANG: 'C.UTF-8' };
  const refused: RefusedVariable[] = [];
  let total = 0;
  for (const [name, value] of Object.entries(options.userEnv)) {
    const reason = findMistake(name, value, total);
    if (reason !== undefined) {
      refused.push({ name, reason });
      continue;
    }
    env[name] = value;
    total += Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
  }
  return { env: { ...env, ...ownVariables(options) }, refused };
}

function ownVariables({
  path,
  home,
  tmp,
  cliConfigFile,
  backend,
  pluginCacheDir,
}: EnvironmentOptions): Record<string, string> {
  return {
    PATH: path,
    HOME: home,
    TMPDIR: tmp,
    TF_CLI_CONFIG_FILE: cliConfigFile,
    TF_IN_AUTOMATION: '1',
    TF_INPUT: '0',
    CHECKPOINT_DISABLE: '1',
    ...(pluginCacheDir === undefined ? {} : { TF_PLUGIN_CACHE_DIR: pluginCacheDir }),
    ...(backend === undefined ? {} : backendVariables(backend)),
  };
}

// In the environment and not in `-backend-config`, which would write the password into .terraform and into the plan file.
function backendVariables({ address, username, password }: BackendAccess): Record<string, string> {
  return {
    TF_HTTP_ADDRESS: address,
    TF_HTTP_UPDATE_METHOD: 'POST',
    TF_HTTP_LOCK_ADDRESS: address,
    TF_HTTP_LOCK_METHOD: 'LOCK',
    TF_HTTP_UNLOCK_ADDRESS: address,
    TF_HTTP_UNLOCK_METHOD: 'UNLOCK',
    TF_HTTP_USERNAME: username,
    TF_HTTP_PASSWORD: password,
    TF_HTTP_RETRY_MAX: String(HTTP_RETRIES),
    TF_HTTP_RETRY_WAIT_MIN: '1',
    TF_HTTP_RETRY_WAIT_MAX: '30',
  };
}

function findMistake(name: string, value: string, totalBefore: number): string | undefined {
  const reservation = findReservation(name);
  if (reservation !== undefined) return `The environment variable ${name} is reserved: ${reservation}.`;
  if (!NAME.test(name)) {
    return `"${name.slice(0, 80)}" cannot name an environment variable; use letters, digits and "_", not beginning with a digit.`;
  }
  if (value.includes('\0'))
    return `The value of ${name} holds a NUL byte, which no environment variable can; encode it, for example as base64.`;
  const size = Buffer.byteLength(value);
  if (size > ENTRY_LIMIT_BYTES) return tooLarge(name, size);
  if (totalBefore + size > TOTAL_LIMIT_BYTES) {
    return `With ${name} the environment variables of this workspace are over ${TOTAL_LIMIT_BYTES} bytes in all; put large values into Terraform variables or files.`;
  }
  return undefined;
}

function tooLarge(name: string, size: number): string {
  const what = `The value of ${name} has ${size} bytes; an environment variable holds at most ${ENTRY_LIMIT_BYTES} here.`;
  if (!name.startsWith('TF_VAR_')) return `${what} Put it into a file of the configuration.`;
  return `${what} Make "${name.slice('TF_VAR_'.length)}" a Terraform variable of the workspace instead; those have no such limit.`;
}
