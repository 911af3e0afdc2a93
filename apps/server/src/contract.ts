// node apps/server/src/contract.ts --check | --write
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { writeFileDurably } from '@groundcrew/kit';
import { compareContract } from './conformance/compare-contract.ts';
import { completeContract } from './conformance/complete-contract.ts';
import { parseContract } from './conformance/contract-file.ts';
import { noteTable } from './conformance/note-table.ts';

const PATH = fileURLToPath(new URL('../../../docs/contract.md', import.meta.url));

/** The contract's text, which people wrote. */
export const readContract = (): Promise<string> => readFile(PATH, 'utf8');

/** Says where contract and route table disagree. */
async function check(): Promise<string> {
  const mistakes = compareContract(parseContract(await readContract()), await noteTable());
  if (mistakes.length === 0) return 'docs/contract.md says what the server does.';
  process.exitCode = 1;
  return [
    ...mistakes,
    `${mistakes.length} disagreements. apps/server/src/contract.ts --write adds what is missing; the rest is for you.`,
  ].join('\n');
}

/** Adds what is missing, and says what else is wrong. */
async function write(): Promise<string> {
  await writeFileDurably(PATH, completeContract(await readContract(), await noteTable()), 0o644);
  return check();
}

if (import.meta.main) {
  const action = { '--check': check, '--write': write }[process.argv[2] ?? ''];
  if (action === undefined) throw new Error('Say --check or --write.');
  process.stdout.write(`${await action()}\n`);
}
