import { createSpellings, type Spelling } from './spellings.ts';
import { textsOf } from './texts.ts';
import { base64CoresOf, foldText, GAP, isMaskable, linesOf, type Tokens, tokensOf } from './tokens.ts';

/** A value that must not leave the host. The name is for people; it may be shown. */
export interface Secret {
  readonly name: string;
  readonly value: string;
}

/** Secrets and the raw offset from which on they are looked for: a match may not begin before it. */
export interface SecretSet {
  readonly fromOffset: number;
  readonly secrets: readonly Secret[];
}

/** One row of tokens to look for, in one spelling. */
export interface Form {
  readonly spelling: Spelling;
  readonly tokens: Tokens;
  readonly fromOffset: number;
}

function isSpelledPlainly(tokens: Tokens, spelling: Spelling): boolean {
  return tokens.every((token) => token !== GAP && spelling.ways(token).length === 1);
}

/** Every form of every secret, none twice, and the names of the secrets that are too short to be masked. */
export function listForms(sets: readonly SecretSet[]): {
  forms: Form[];
  unmaskable: string[];
} {
  const { plain, json, url, base64 } = createSpellings();
  const forms: Form[] = [];
  const unmaskable = new Set<string>();
  const texts = new Set<string>();
  const values = new Set<string>();

  function addText(folded: string, fromOffset: number): void {
    if (texts.has(folded)) return;
    texts.add(folded);
    const tokens = tokensOf(folded);
    const escaped = [json, url].filter((spelling) => !isSpelledPlainly(tokens, spelling));
    for (const spelling of [plain, ...escaped]) forms.push({ spelling, tokens, fromOffset });
  }

  function addSecret({ name, value }: Secret, fromOffset: number): void {
    if (value === '') return;
    if (!isMaskable(foldText(value))) return void unmaskable.add(name);
    for (const text of textsOf(value)) if (isMaskable(foldText(text))) addValue(text, fromOffset);
  }

  function addValue(value: string, fromOffset: number): void {
    if (values.has(value)) return;
    values.add(value);
    for (const text of [foldText(value), ...linesOf(value)]) addText(text, fromOffset);
    for (const tokens of base64CoresOf(value)) forms.push({ spelling: base64, tokens, fromOffset });
  }

  for (const { secrets, fromOffset } of inOrder(sets)) {
    for (const secret of secrets) addSecret(secret, fromOffset);
  }
  return { forms, unmaskable: [...unmaskable] };
}

/** The earliest first, so that a secret named twice counts from its first mention on. */
function inOrder(sets: readonly SecretSet[]): SecretSet[] {
  return [...sets].sort((a, b) => a.fromOffset - b.fromOffset);
}
