import { HclSyntaxError, type HclToken, tokenizeHcl } from './hcl-tokens.ts';

/** A block header such as `backend "s3" {`, with the types of the blocks around it. */
export interface HclBlock {
  /** Types of the enclosing blocks and its own, outermost first: `['terraform', 'backend']`. */
  path: string[];
  labels: string[];
}

/**
 * Every block of a file, outermost first; what stands inside of values is none. A file that is broken gives the blocks found
 * so far; Terraform itself tells what is wrong with it.
 */
export function* listHclBlocks(source: string): Generator<HclBlock> {
  const path: string[] = [];
  let header: HclToken[] = [];
  for (const token of tokens(source)) {
    if (token.kind === 'open') {
      path.push(token.text === '{' ? blockType(header) : '');
      if (!path.includes('')) yield { path: [...path], labels: header.slice(1).map(labelOf) };
      header = [];
    } else if (token.kind === 'close') {
      path.pop();
      header = [];
    } else if (token.kind === 'newline') header = [];
    else header.push(token);
  }
}

// A header is a word and its labels; anything else before a brace ("x = {", "for_each = toset(…) ? {") is an expression.
function blockType(header: readonly HclToken[]): string {
  const [type, ...labels] = header;
  const isHeader = type?.kind === 'word' && labels.every((label) => label.kind === 'word' || label.kind === 'string');
  return isHeader ? type.text : '';
}

const labelOf = (token: HclToken): string => (token.kind === 'word' || token.kind === 'string' ? token.text : '');

function* tokens(source: string): Generator<HclToken> {
  try {
    yield* tokenizeHcl(source);
  } catch (error) {
    if (!(error instanceof HclSyntaxError)) throw error;
  }
}
