import { HclSyntaxError, type HclToken, tokenizeHcl } from './hcl-tokens.ts';

// Terraform's parser recurses, and a stack overflow ends it with exit code 2 and no diagnostic.
const MAX_DEPTH = 200;
const CLOSER = { '{': '}', '[': ']', '(': ')' } as const;

/**
 * What is wrong with a text as the one value of `name = <text>` in a .tfvars file, as a sentence fragment; undefined when
 * nothing is. Whatever passes stays within its own definition: it cannot end the line and define another variable. That holds
 * as long as Terraform sees the same tokens as we do, so everything is refused where two readers could differ. Whether it is a
 * value of the right type is for Terraform to say.
 */
export function findHclValueMistake(text: string): string | undefined {
  if (text.trim() === '') return 'it is empty; write "" for an empty string or null for no value';
  if (CONTROL.test(text)) return 'it holds a control character; write it as an escape such as \\u0000';
  // Is it text and then a template, or an escape and then text?
  if (/\$\$\$\{|%%%\{/.test(text)) return TEMPLATE;
  try {
    return findImbalance(text.trim());
  } catch (error) {
    if (error instanceof HclSyntaxError) return error.message;
    throw error;
  }
}

function findImbalance(text: string): string | undefined {
  const open: string[] = [];
  for (const token of tokenizeHcl(text)) {
    const mistake = findTokenMistake(token, open) ?? findHeredocMistake(token, text);
    if (mistake !== undefined) return mistake;
  }
  return open.length === 0 ? undefined : `"${open.at(-1)}" is not closed`;
}

function findTokenMistake(token: HclToken, open: string[]): string | undefined {
  if (token.kind === 'newline' && open.length === 0) {
    return 'it goes on behind a line break; put brackets around a value of several lines';
  }
  if ((token.kind === 'string' || token.kind === 'heredoc') && token.template) return TEMPLATE;
  if (token.kind === 'open') {
    open.push(token.text);
    return open.length > MAX_DEPTH ? `brackets are nested more than ${MAX_DEPTH} deep` : undefined;
  }
  if (token.kind !== 'close') return undefined;
  const opener = open.pop() as keyof typeof CLOSER | undefined;
  return opener !== undefined && CLOSER[opener] === token.text ? undefined : `"${token.text}" closes nothing`;
}

function findHeredocMistake(token: HclToken, text: string): string | undefined {
  if (token.kind === 'other' && token.text === '<<')
    return 'a heredoc in it does not begin with "<<MARKER" at the end of a line';
  if (token.kind !== 'heredoc') return undefined;
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(token.marker))
    return 'the marker of a heredoc in it is not made of plain letters';
  // What counts as blank around an end marker depends on the reader.
  return ODD_SPACE.test(text)
    ? 'it holds white space of an unusual kind beside a heredoc; write that as an escape in quotes'
    : undefined;
}

const TEMPLATE = 'a value cannot interpolate; write $${ or %%{ for the characters themselves';
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;
const ODD_SPACE = /[\u0080-\u00a0\u1680\u180e\u2000-\u200f\u2028\u2029\u202f\u205f\u3000\ufeff]/;
