const ALIASES: Readonly<Record<string, string>> = { azure: 'azurerm', gcp: 'google' };
/** Registries that Terraform and OpenTofu ask when a source names none: the same provider under either. */
const PUBLIC_REGISTRIES: ReadonlySet<string> = new Set(['registry.terraform.io', 'registry.opentofu.org']);
/** What is part of the program itself; `terraform` alone and `hashicorp/terraform` mean this one as well. @internal */
export const BUILT_IN = 'terraform.io/builtin/terraform';

/**
 * One name for a provider however it is written: `aws`, `hashicorp/aws` and `registry.terraform.io/hashicorp/aws` are `aws`,
 * `azure` is `azurerm`, `gcp` is `google`, `terraform` is `terraform.io/builtin/terraform`. One of another registry keeps its
 * host: whoever runs that registry says what it is.
 */
export function providerName(provider: string): string {
  const [type = '', namespace = 'hashicorp', host] = provider.trim().toLowerCase().split('/').reverse();
  if (type === 'terraform' && isOfProgram(namespace, host)) return BUILT_IN;
  if (host !== undefined && !PUBLIC_REGISTRIES.has(host)) return `${host}/${namespace}/${type}`;
  return namespace === 'hashicorp' ? (ALIASES[type] ?? type) : `${namespace}/${type}`;
}

const isOfProgram = (namespace: string, host: string | undefined): boolean =>
  (namespace === 'builtin' && (host === undefined || host === 'terraform.io')) ||
  (namespace === 'hashicorp' && (host === undefined || PUBLIC_REGISTRIES.has(host)));

/** Whether the program brings it along, so that it has to be reached nowhere. */
export const isBuiltIn = (provider: string): boolean => providerName(provider) === BUILT_IN;

/** Those of `used` that `allowed` does not hold, in whatever way either is written. */
export function findForbiddenProviders(used: readonly string[], allowed: readonly string[]): string[] {
  const names = new Set(allowed.map(providerName));
  return used.filter((provider) => !names.has(providerName(provider)));
}
