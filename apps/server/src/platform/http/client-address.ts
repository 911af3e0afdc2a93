import { BlockList, isIPv6 } from 'node:net';

/** Where a request came from: the connection's own address, or what trusted proxies say in `X-Forwarded-For`. */
export type ClientAddress = (connection: string, forwardedFor: string | string[] | undefined) => string;

/** Whether an address is one of the trusted proxies'. */
export type IsTrusted = (address: string) => boolean;

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** Reads a list of addresses, ranges (`10.0.0.0/8`) and the word `loopback`. Errors: a sentence that names the entry. */
export function parseTrusted(entries: readonly string[]): IsTrusted {
  const list = new BlockList();
  for (const entry of entries.flatMap((item) => (item === 'loopback' ? LOOPBACK : [item]))) {
    const [address = '', prefix] = entry.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    try {
      if (prefix === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(prefix), family);
    } catch {
      throw new Error(`"${entry}" is neither an address, a range such as 10.0.0.0/8, nor "loopback".`);
    }
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Goes back through the proxies as long as they are trusted; what the first stranger says is only his word. */
export const createClientAddress =
  (isTrusted: IsTrusted): ClientAddress =>
  (connection, forwardedFor) => {
    const hops = [forwardedFor ?? []]
      .flat()
      .join(',')
      .split(',')
      .map((hop) => hop.trim())
      .filter(Boolean);
    let address = connection;
    while (hops.length > 0 && isTrusted(address)) address = hops.pop() as string;
    return address;
  };
