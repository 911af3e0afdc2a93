import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeFolder } from '../run-for-tests.ts';
import { readIgnoreRules } from './ignore-rules.ts';
import { listFolder } from './list-folder.ts';
import { packFolder } from './pack-folder.ts';

function makeTree(files: Record<string, string>): string {
  const { path, remove } = makeFolder();
  onTestFinished(remove);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

const list = async (folder: string) => listFolder(folder, await readIgnoreRules(folder));

async function unpack(
  folder: string,
): Promise<{ names: Record<string, string>; checksum: string; modes: Record<string, number> }> {
  const packed = await packFolder(folder, await list(folder));
  const names: Record<string, string> = {};
  const modes: Record<string, number> = {};
  const reader = packed.open().pipe(createGunzip()).pipe(extract());
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    names[entry.header.name] = Buffer.concat(chunks).toString();
    modes[entry.header.name] = entry.header.mode ?? 0;
  }
  await packed.remove();
  return { names, checksum: packed.checksum, modes };
}

describe('a folder', () => {
  it('is packed whole, but for what .terraformignore and the defaults leave out', async () => {
    const folder = makeTree({
      'main.tf': 'a',
      'modules/vpc/main.tf': 'b',
      'modules/vpc/notes.md': 'c',
      '.terraform.lock.hcl': 'd',
      '.terraform/providers/x': 'e',
      'modules/vpc/.terraform/modules/x': 'e',
      '.git/config': 'f',
      'build/big.bin': 'g',
      'keep/build/small.bin': 'h',
      '.terraformignore': '*.md\n/build/\n# comment\n!keep/\n',
    });
    const { names } = await unpack(folder);
    const expected = [
      '.terraform.lock.hcl',
      '.terraformignore',
      'keep',
      'keep/build',
      'keep/build/small.bin',
      'main.tf',
    ];
    expect(Object.keys(names)).toEqual([...expected, 'modules', 'modules/vpc', 'modules/vpc/main.tf']);
    expect(names['modules/vpc/main.tf']).toBe('b');
  });

  it('leaves state behind and says so', async () => {
    const folder = makeTree({
      'main.tf': 'a',
      'terraform.tfstate': '{}',
      'terraform.tfstate.backup': '{}',
      'terraform.tfstate.d/x/terraform.tfstate': '{}',
    });
    const { entries, leftOut } = await list(folder);
    expect(entries.map(({ name }) => name)).toEqual(['main.tf']);
    expect(leftOut).toEqual(['terraform.tfstate', 'terraform.tfstate.backup', 'terraform.tfstate.d']);
  });

  it('with the same content gives the same bytes, and keeps what may be executed', async () => {
    const [one, two] = [makeTree({ 'main.tf': 'a', 'run.sh': 'x' }), makeTree({ 'run.sh': 'x', 'main.tf': 'a' })];
    for (const folder of [one, two]) execFileSync('chmod', ['755', join(folder, 'run.sh')]);
    const [first, second] = [await unpack(one), await unpack(two)];
    expect(first.checksum).toBe(second.checksum);
    expect(first.modes['run.sh']).toBe(0o755);
    expect(first.modes['main.tf']).toBe(0o644);
  });

  it('with a link or a FIFO is refused by name before anything is sent', async () => {
    const linked = makeTree({ 'main.tf': 'a' });
    symlinkSync('/etc/passwd', join(linked, 'secrets.tf'));
    await expect(list(linked)).rejects.toThrow('"secrets.tf", a symlink');
    const piped = makeTree({ 'main.tf': 'a' });
    execFileSync('mkfifo', [join(piped, 'x.tf')]);
    await expect(list(piped)).rejects.toThrow('"x.tf", a fifo');
  });

  it('may hold links where they are ignored', async () => {
    const folder = makeTree({ 'main.tf': 'a', '.terraformignore': 'link' });
    symlinkSync('/etc/passwd', join(folder, 'link'));
    expect((await list(folder)).entries).toHaveLength(2);
  });
});
