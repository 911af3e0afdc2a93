import { appendFileSync, chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realTerraformVersion, SKIP_TERRAFORM, temporaryFolder } from '../terraform-for-tests.ts';
import { findInstalled, findOnPath, installedPath } from './find-tools.ts';

/** A program that answers, and notes that it was asked. */
function program(path: string, version: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    `#!/bin/sh\necho x >> ${path}.asked\nenv >> ${path}.env\necho '{"terraform_version":"${version}"}'\n`,
  );
  chmodSync(path, 0o755);
  return path;
}
const asked = (path: string): number => readFileSync(`${path}.asked`, 'utf8').trim().split('\n').length;

describe('findOnPath', () => {
  it('asks each program once, until the file changes', async () => {
    const dir = temporaryFolder();
    const [a, b] = [program(join(dir, 'a', 'terraform'), '1.5.0'), program(join(dir, 'b', 'tofu'), '1.9.0')];
    program(join(dir, 'c', 'terraform'), '1.5.0');
    writeFileSync(join(dir, 'a', 'tofu'), 'not executable');
    const path = [
      join(dir, 'a'),
      'relative',
      join(dir, 'missing'),
      join(dir, 'b'),
      join(dir, 'c'),
      join(dir, 'a'),
    ].join(':');
    const options = { cacheDir: join(dir, 'cache') };
    const expected = {
      tools: [
        { tool: 'terraform', version: '1.5.0', path: a },
        { tool: 'tofu', version: '1.9.0', path: b },
      ],
      problems: [],
    };
    expect(await findOnPath(path, options)).toEqual(expected);
    expect(await findOnPath(path, options)).toEqual(expected);
    expect([asked(a), asked(b)]).toEqual([1, 1]);
    program(a, '1.6.0');
    expect((await findOnPath(path, options)).tools[0]).toMatchObject({ version: '1.6.0' });
    expect(asked(a)).toBe(2);
  });

  it('passes nothing of our own environment on', async () => {
    const dir = temporaryFolder();
    const file = program(join(dir, 'terraform'), '1.5.0');
    process.env.AGENT_SECRET_FOR_TEST = 'leak';
    await findOnPath(dir, { cacheDir: dir });
    delete process.env.AGENT_SECRET_FOR_TEST;
    const env = readFileSync(`${file}.env`, 'utf8');
    expect(env).not.toContain('leak');
    expect(env).toContain('CHECKPOINT_DISABLE=1');
  });

  it('tells what is wrong with a program that cannot be used', async () => {
    const dir = temporaryFolder();
    const scripts = { fails: 'echo no such thing >&2; exit 3', lies: 'echo hello', hangs: 'sleep 60' };
    for (const [name, script] of Object.entries(scripts)) {
      program(join(dir, name, 'terraform'), '1.0.0');
      writeFileSync(join(dir, name, 'terraform'), `#!/bin/sh\n${script}\n`);
    }
    const path = Object.keys(scripts)
      .map((name) => join(dir, name))
      .join(':');
    const { tools, problems } = await findOnPath(path, { cacheDir: dir, timeoutMs: 300 });
    expect(tools).toEqual([]);
    expect(problems).toEqual([
      expect.stringContaining('failed (code 3): no such thing'),
      expect.stringContaining('which names no version'),
      expect.stringContaining('did not end within 0.3 s'),
    ]);
  });

  it('survives a damaged cache', async () => {
    const dir = temporaryFolder();
    program(join(dir, 'terraform'), '1.5.0');
    for (const damage of ['{', 'null', '{"x":null}', `{"${dir}/terraform":{"fingerprint":1}}`]) {
      writeFileSync(join(dir, 'tool-versions.json'), damage);
      expect((await findOnPath(dir, { cacheDir: dir })).tools).toHaveLength(1);
    }
  });

  it.skipIf(SKIP_TERRAFORM)('finds the real Terraform', async () => {
    const { tools, problems } = await findOnPath(process.env.PATH ?? '', { cacheDir: temporaryFolder() });
    expect(problems).toEqual([]);
    expect(tools).toContainEqual({
      tool: 'terraform',
      version: realTerraformVersion(),
      path: expect.stringMatching(/^\/.*terraform$/),
    });
  });
});

describe('findInstalled', () => {
  it('lists whole versions, newest first', async () => {
    const dir = temporaryFolder();
    for (const version of ['1.9.8', '1.10.0', '1.10.0-rc1']) program(installedPath(dir, 'terraform', version), version);
    program(installedPath(dir, 'tofu', '1.8.5'), '1.8.5');
    mkdirSync(join(dir, 'terraform', '1.11.0'));
    program(join(dir, 'terraform', '.1.12.0.abc.new', 'terraform'), '1.12.0');
    appendFileSync(join(dir, 'terraform', 'junk'), '');
    symlinkSync('/nowhere', join(dir, 'terraform', '1.13.0'));
    expect((await findInstalled(dir)).map(({ tool, version }) => `${tool} ${version}`)).toEqual([
      'terraform 1.10.0',
      'terraform 1.10.0-rc1',
      'terraform 1.9.8',
      'tofu 1.8.5',
    ]);
    expect(await findInstalled(join(dir, 'missing'))).toEqual([]);
  });
});
