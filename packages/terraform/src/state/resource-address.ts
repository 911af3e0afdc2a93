/** The parts of a resource instance's address as the state keeps them. */
export interface AddressParts {
  /** Such as `module.a["x"]`; undefined in the root module. */
  module: string | undefined;
  mode: string;
  type: string;
  name: string;
  index: string | number | undefined;
}

/** The address as Terraform prints it everywhere. */
export function formatAddress({ module, mode, type, name, index }: AddressParts): string {
  const path = module ? `${module}.` : '';
  const kind = mode === 'managed' ? '' : `${mode}.`;
  return `${path}${kind}${type}.${name}${index === undefined ? '' : `[${typeof index === 'number' ? index : quoteKey(index)}]`}`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' };

/** A for_each key as Terraform quotes it: like HCL, with everything unprintable as a code. */
function quoteKey(key: string): string {
  const quoted = key.replaceAll(/[$%](?=\{)|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|["\\]/gu, (char) => {
    if (char === '$' || char === '%') return char + char;
    return ESCAPES[char] ?? codePoint(char.codePointAt(0) ?? 0);
  });
  return `"${quoted}"`;
}

function codePoint(code: number): string {
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
