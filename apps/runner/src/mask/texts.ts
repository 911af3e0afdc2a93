/**
 * The texts a secret is looked for as: itself; in both normal forms of Unicode, since Terraform normalizes every text (cty, NFC)
 * and file systems do (NFD); and texts of several lines that a JSON document holds, such as the private key of a service account,
 * which `jsondecode` prints with line ends where the document has `\n`. Shorter ones are left alone: a document that says
 * "service_account" must not hide the names of half the resources.
 */
export function textsOf(value: string): string[] {
  const texts = [value, ...longTextsIn(value)];
  return [...new Set(texts.flatMap((text) => [text, text.normalize('NFC'), text.normalize('NFD')]))];
}

function longTextsIn(value: string): string[] {
  if (!/^\s*[{[]/.test(value)) return [];
  const found: string[] = [];
  try {
    JSON.parse(value, (_key, part) => void (typeof part === 'string' && part.includes('\n') && found.push(part)));
  } catch {
    return [];
  }
  return found;
}
