// Names that decide what Terraform does with the plan, the state or the output, and so belong to the runner; a value from a
// variable could send the state elsewhere or apply something else than was approved. Providers' own names (AWS_*, ARM_*, …),
// TF_VAR_*, TF_TOKEN_*, TF_REGISTRY_*, TF_ENCRYPTION and proxies stay with the user.
const RESERVED: ReadonlyMap<string, string> = new Map([
  ['PATH', 'programs come from the agent; install them where it runs and put them on its PATH'],
  [
    'HOME',
    'every attempt has a home folder of its own; use the variable that the program in question has for its files',
  ],
  ['TMPDIR', 'every attempt has a temporary folder of its own, which is removed with it'],
  ['PWD', 'Terraform runs in the working directory of the workspace; set that instead'],
  ['OLDPWD', 'Terraform runs in the working directory of the workspace; set that instead'],
  ['TF_WORKSPACE', 'a Groundcrew workspace holds one state; make one workspace for each environment'],
  ['TF_DATA_DIR', 'the attempt keeps its own .terraform folder'],
  ['TF_REATTACH_PROVIDERS', 'providers are started by Terraform itself'],
  ['TF_CLI_CONFIG_FILE', 'the agent writes the CLI configuration; set its mirror or plugin cache there'],
  ['TERRAFORM_CONFIG', 'the agent writes the CLI configuration; set its mirror or plugin cache there'],
  ['TF_INPUT', 'nobody can answer a prompt here; give the value as a variable'],
  ['TF_IN_AUTOMATION', 'it is always on'],
  ['TF_STATE_PERSIST_INTERVAL', 'a longer interval only loses more when a machine dies'],
  ['TF_FORCE_LOCAL_BACKEND', 'the state is kept by Groundcrew'],
  ['TF_DISABLE_PLUGIN_TLS', 'it would let other programs on the host talk to the providers'],
  ['TF_SKIP_PROVIDER_VERIFY', 'it would run providers whose checksums do not match'],
  ['CHECKPOINT_DISABLE', 'it is always on'],
]);

const RESERVED_PREFIXES: readonly [prefix: string, way: string][] = [
  ['TF_CLI_ARGS', 'use the settings of the task (targets, replace, parallelism, destroy) instead'],
  ['TF_HTTP_', 'the state is kept by Groundcrew'],
  ['TF_LOG', 'debug output would carry secrets into the log'],
  ['TF_PLUGIN_', 'the agent decides where plugins are kept'],
  ['LD_', 'it would change the programs of the agent'],
  ['DYLD_', 'it would change the programs of the agent'],
  ['GROUNDCREW_', 'names with this beginning are set by Groundcrew itself'],
];

/** Why a user's variable of this name is not passed on, and what to do instead; undefined when the name is free. */
export function findReservation(name: string): string | undefined {
  return RESERVED.get(name) ?? RESERVED_PREFIXES.find(([prefix]) => name.startsWith(prefix))?.[1];
}
