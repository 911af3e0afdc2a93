import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_PREFIX } from '@groundcrew/protocol';
import { BYTES } from '@groundcrew/server/conformance/bytes-for-tests';
import { parseContract } from '@groundcrew/server/conformance/contract-file';
import { ROOT } from '../harness/index.ts';
import type { Operation } from './document.ts';
import { KNOWN_NAMES, type KnownName, markOf } from './known.ts';

/** A good request of a call, as docs/contract.md gives it, with marks for what has to be there. */
export interface Example {
  readonly query: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly json: unknown } | { readonly base64: string } | undefined;
}

/** What stands for a name that nothing has yet. */
export const NEW_NAME = '«new»';

/** Names of the contract's examples that are not those of what is there, but for an `_id`. */
const MARK_BY_WORD: Readonly<Record<string, KnownName>> = {
  id: 'pool',
  token_id: 'api_token',
  attempt_id: 'own_attempt',
  state: 'sign_on_state',
};
/** An agent's own calls name the agent that makes them. */
const MARK_BY_AGENT_WORD: Readonly<Record<string, KnownName>> = { agent_id: 'own_agent_name' };

/** The examples of every call, by method and path as the OpenAPI document writes them. */
export function readExamples(): (operation: Operation) => readonly Example[] {
  const { examples } = parseContract(readFileSync(join(ROOT, 'docs/contract.md'), 'utf8'));
  return (operation) => {
    const own = examples.filter(({ call }) => keyOf(call) === `${operation.method} ${operation.path}`);
    // As in the contract: a call that is not listed needs neither query nor body.
    return own.length === 0
      ? [parseExample('', operation)]
      : own.map(({ request }) => parseExample(request, operation));
  };
}

const keyOf = (call: string): string => call.replace(/ (.*)/, ` ${API_PREFIX}$1`).replace(/:(\w+)/g, '{$1}');

function parseExample(request: string, { credential }: Operation): Example {
  const words = credential === 'agent' ? { ...MARK_BY_WORD, ...MARK_BY_AGENT_WORD } : MARK_BY_WORD;
  const marked = request.replace(/<(\w+)>/g, (_all, word: string) =>
    word === 'new' ? NEW_NAME : markOf(words[word] ?? getKnownName(word)),
  );
  const [, search = '', rest = ''] = /^(?:\?(\S*))?\s*(.*)$/s.exec(marked) ?? [];
  const query = search === '' ? [] : search.split('&').map((pair) => splitPair(pair));
  if (rest === '') return { query, headers: {}, body: undefined };
  const bytes = /^bytes (\w+)$/.exec(rest)?.[1];
  if (bytes === undefined)
    return { query, headers: { 'content-type': 'application/json' }, body: { json: JSON.parse(rest) } };
  const made = BYTES[bytes]?.();
  if (made === undefined)
    throw new Error(`docs/contract.md has an example of bytes called ${bytes}, which nobody makes.`);
  return { query, headers: made.headers, body: { base64: made.body.toString('base64') } };
}

function getKnownName(word: string): KnownName {
  const found = KNOWN_NAMES.find((name) => name === word.replace(/_id$/, ''));
  if (found !== undefined) return found;
  throw new Error(
    `An example of docs/contract.md names <${word}>, which the fuzzer does not know: add it to known.ts.`,
  );
}

const splitPair = (pair: string): [string, string] => {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
};
