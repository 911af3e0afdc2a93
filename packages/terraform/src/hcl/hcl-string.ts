// JSON knows two escapes that HCL does not.
const ONLY_JSON: Readonly<Record<string, string>> = { '\\b': '\\u0008', '\\f': '\\u000c' };

/** A string as an HCL literal; nothing in it is read as a template. */
export function quoteHcl(text: string): string {
  return JSON.stringify(text)
    .replaceAll(/\\./g, (pair) => ONLY_JSON[pair] ?? pair)
    .replaceAll('${', '\\u0024{')
    .replaceAll('%{', '\\u0025{');
}
