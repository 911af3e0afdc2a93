/**
 * The URL without trailing slashes, or a TypeError: not http(s), or credentials in it, or plain HTTP off loopback, which would
 * send the token for everybody on the way to read.
 */
export function checkBaseUrl(url: string, allowInsecure = false): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw new TypeError(`The server's address "${url.slice(0, 200)}" is no http:// or https:// URL.`);
  if (parsed.username !== '' || parsed.password !== '')
    throw new TypeError("The server's address must not hold a user name or password; give the token apart from it.");
  if (parsed.protocol === 'http:' && !allowInsecure && !isLoopback(parsed.hostname))
    throw new TypeError(
      `The server's address ${parsed.origin} is plain http to another host, which would send the token in clear. Use https://, or allow insecure connections explicitly.`,
    );
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}`;
}

/** Whether a URL's host is this very machine. */
export const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' ||
  hostname.endsWith('.localhost') ||
  hostname === '[::1]' ||
  /^127(\.\d{1,3}){3}$/.test(hostname);
