/** A source address as `providers` writes it. */
const ADDRESS = /provider\[([^\]\s]+)\]/g;

/**
 * The source addresses in the output of `providers`, each once: what configuration, modules and state use, with the providers
 * that are built in. It loads none of them. Terraform and OpenTofu offer no JSON here, and `version -json` leaves out those
 * that are built in.
 */
export function readProviders(output: string): string[] {
  return [...new Set([...output.matchAll(ADDRESS)].map(([, address]) => address as string))].sort();
}
