import { describe, expect, test } from 'vitest';
import { readContract } from '../contract.ts';
import { compareContract } from './compare-contract.ts';
import { completeContract } from './complete-contract.ts';
import { parseContract } from './contract-file.ts';
import { noteTable } from './note-table.ts';

const text = await readContract();
const noted = await noteTable();

test('docs/contract.md says what the server does (else run apps/server/src/contract.ts --write)', () => {
  expect(compareContract(parseContract(text), noted)).toEqual([]);
});

describe('what disagrees is told', () => {
  const compare = (changed: string) => compareContract(parseContract(changed), noted).join('\n');
  const without = (line: RegExp): string => {
    expect(text).toMatch(line);
    return text.replace(line, '');
  };
  const POOLS = /^\| `GET \/agent-pools` .*\n/m;

  test.each<[string, () => string, RegExp]>([
    ['a call that is not in the contract', () => without(POOLS), /GET \/agent-pools is not in the contract/],
    [
      'a call that is not in the server',
      () => text.replace(POOLS, (row) => row + row.replace('agent-pools', 'agent-puddles')),
      /GET \/agent-puddles is not in the server/,
    ],
    [
      'a call for somebody else',
      () => text.replace(POOLS, (row) => row.replace('pool:read', 'pool:write')),
      /pool:read/,
    ],
    ['a call that stands twice', () => text.replace(POOLS, (row) => row + row), /twice/],
    [
      'a field that has gone',
      () => text.replace('\n  max_plan_concurrency: number', '\n  max_plans: number'),
      /max_plans/,
    ],
    [
      'a field of another type',
      () => text.replace('\n  max_plan_concurrency: number', '\n  max_plan_concurrency: text'),
      /max_plan_concurrency: text/,
    ],
    ['a message that is missing', () => without(/^PoolCreate\n( {2}.*\n)+\n/m), /The message PoolCreate/],
    ['a code with another status', () => text.replace('| `gone` | 410 |', '| `gone` | 404 |'), /gone \(410\)/],
    ['an example of nothing', () => text.replace('| `POST /tasks` | a ', '| `POST /tusks` | a '), /POST \/tusks/],
  ])('%s', (_what, change, sentence) => {
    const changed = change();
    expect(changed).not.toBe(text);
    expect(compare(changed)).toMatch(sentence);
  });
});

describe('what is missing is added', () => {
  test('rows, messages, fields and values of closed lists, and then nothing is missing any more', () => {
    const bare = text
      .replace(/^\| `(GET|POST) \/agent-pools[`/].*\n/gm, '')
      .replace(/^PoolCreate\n( {2}.*\n)+\n/m, '')
      .replace('\n  allow_apply_concurrent: flag', '')
      .replace(/^Role = .*$/m, 'Role = "owner"')
      .replace(/^\| `gone` .*\n/m, '');
    expect(compareContract(parseContract(bare), noted).length).toBeGreaterThan(8);
    const completed = completeContract(bare, noted);
    expect(compareContract(parseContract(completed), noted)).toEqual([]);
    expect(completeContract(completed, noted)).toBe(completed);
  });

  test('what the contract promises beyond the server stays', () => {
    const promised = text.replace(
      '\n  allow_apply_concurrent: flag',
      '\n  allow_apply_concurrent: text\n  colour: text',
    );
    expect(completeContract(promised, noted)).toBe(promised);
  });
});
