import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeFolder, run } from '../run-for-tests.ts';

/** What bash offers for these words, the last one unfinished. */
async function offer(...words: string[]): Promise<string[]> {
  const { path, remove } = makeFolder();
  onTestFinished(remove);
  const script = join(path, 'completion.bash');
  writeFileSync(script, (await run(['completion', 'bash'])).out);
  const list = words.map((word) => `'${word}'`).join(' ');
  const ask = `source ${script}; COMP_WORDS=(groundcrew ${list}); COMP_CWORD=${words.length}; _groundcrew; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['--norc', '-c', ask], { encoding: 'utf8' }).trim().split('\n');
}

describe('completion in bash', () => {
  it.each([
    [['ta'], ['task']],
    [['pool', 'token', 'c'], ['create']],
    [
      ['--json', 'workspace', 'l'],
      ['list', 'lock'],
    ],
    [
      ['apply', 'hello', '--d'],
      ['--dir', '--destroy', '--detach'],
    ],
    [
      ['task', 'list', '--status', 'a'],
      ['awaiting_approval', 'applied'],
    ],
    [
      ['task', 'logs', '--phase', ''],
      ['plan', 'apply'],
    ],
    // Nothing of ours: bash offers files then.
    [['apply', 'hello', '--dir', ''], ['']],
  ])('of %j offers %j', async (words, expected) => {
    expect(await offer(...words)).toEqual(expected);
  });
});

it.each(['zsh', 'fish'])('for %s names every command', async (shell) => {
  const { code, out } = await run(['completion', shell]);
  expect(code).toBe(0);
  for (const word of ['rollback', 'discard', 'unlock', 'awaiting_approval'])
    if (shell === 'fish' || word !== 'awaiting_approval') expect(out).toContain(word);
});
