import { spawn } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { folderWith, planJson, SKIP_TERRAFORM, succeed, terraform, terraformEnv } from '../terraform-for-tests.ts';
import { createErrorCollector } from './diagnostics.ts';
import { createLineScanner } from './line-scanner.ts';
import { parseOutputLine } from './output-lines.ts';
import { createOutputReader } from './output-reader.ts';

const parse = (line: string) => parseOutputLine(Buffer.from(line), 0, Buffer.byteLength(line));
const BOLD = '\u001b[0m\u001b[1m';
const RESET = '\u001b[0m';

function read(text: string, options: { total?: number } = {}) {
  const reader = createOutputReader(options);
  reader.push(Buffer.from(text));
  reader.end();
  return { ...reader.progress(), message: reader.errors.message() };
}

describe('createLineScanner', () => {
  it('gives the same lines wherever chunks end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', '\n', 'long text', 'é', '\r\n')),
        fc.array(fc.integer({ min: 1, max: 5 })),
        (pieces, sizes) => {
          const bytes = Buffer.from(pieces.join(''));
          const lines: string[] = [];
          const scanner = createLineScanner((b, start, end) => lines.push(Buffer.from(b.slice(start, end)).toString()));
          let at = 0;
          for (const size of sizes) {
            scanner.push(bytes.subarray(at, at + size));
            at += size;
          }
          scanner.push(bytes.subarray(at));
          scanner.end();
          const expected = bytes.toString().split('\n');
          if (expected.at(-1) === '') expected.pop();
          // An empty last piece without line break is no line; an empty line is one.
          expect(lines).toEqual(expected);
        },
      ),
    );
  });

  it('looks only at the beginning of a huge line', () => {
    const lengths: number[] = [];
    const scanner = createLineScanner((_bytes, start, end) => lengths.push(end - start));
    for (let i = 0; i < 100; i++) scanner.push(Buffer.alloc(100_000, 'x'));
    scanner.push(Buffer.from(`\n${'y'.repeat(100_000)}\nz\n`));
    expect(lengths).toEqual([16_384, 16_384, 1]);
  });
});

describe('parseOutputLine', () => {
  it.each([
    [
      `${BOLD}terraform_data.a["x: Creating..."]: Creating...${RESET}${RESET}`,
      'terraform_data.a["x: Creating..."]',
      'Creating...',
    ],
    [`${BOLD}module.m["a\\"]: b"].data.t.n[0]: Reading...${RESET}`, 'module.m["a\\"]: b"].data.t.n[0]', 'Reading...'],
    [
      'a_b.c (deposed object 1a2b3c4d): Destroying... [id=x]',
      'a_b.c (deposed object 1a2b3c4d)',
      'Destroying... [id=x]',
    ],
    [
      `${BOLD}terraform_data.a["y (local-exec): z"]: Creation complete after 0s [id=b]${RESET}`,
      'terraform_data.a["y (local-exec): z"]',
      'Creation complete after 0s [id=b]',
    ],
    ['panic_type.x: Creating...', 'panic_type.x', 'Creating...'],
  ])('reads %j', (line, address, text) => {
    expect(parse(line)).toEqual({ kind: 'resource', address, text });
  });

  it.each([
    '',
    ' ',
    `${BOLD}terraform_data.a (local-exec):${RESET} ${RESET}terraform_data.b: Creating...`,
    `${BOLD}terraform_data.a["x"] (remote-exec):${RESET} Plan: 1 to add`,
    '  # terraform_data.b will be created',
    'Terraform used the selected providers: they',
    'Please wait for Terraform: now',
    '\u001b[0',
    '"unclosed',
    'x["unclosed: Creating...',
    '{',
    '…',
  ])('turns down %j', (line) => {
    expect(parse(line)).toBeUndefined();
  });

  it('reads notices and diagnostics through their colours', () => {
    expect(parse(`\u001b[1mPlan:${RESET} 4 to add, 0 to change, 0 to destroy.`)).toEqual({
      kind: 'notice',
      text: 'Plan: 4 to add, 0 to change, 0 to destroy.',
    });
    expect(parse(`\u001b[31m╷${RESET}${RESET}`)).toEqual({ kind: 'diagnostic', part: 'begin', text: '' });
    expect(parse(`\u001b[31m│${RESET} ${RESET}${BOLD}\u001b[31mError: ${RESET}x`)).toEqual({
      kind: 'diagnostic',
      part: 'body',
      text: 'Error: x',
    });
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void parseOutputLine(bytes, 0, bytes.length)),
      { numRuns: 3_000 },
    );
  });
});

describe('progress', () => {
  it('counts a replacement twice and takes the id from the start where the end has none', () => {
    const progress = read(
      'a.b: Destroying... [id=old]\na.b: Destruction complete after 1s\na.b: Creating...\na.b: Creation complete after 2s [id=new [x]]\nc.d: Modifying... [id=1]\n',
      { total: 4 },
    );
    expect(progress).toMatchObject({
      done: 2,
      total: 4,
      running: ['c.d'],
      complete: false,
      errors: 0,
      interrupt: 'none',
      completed: [
        { address: 'a.b', action: 'delete', id: 'old' },
        { address: 'a.b', action: 'create', id: 'new [x]' },
      ],
    });
  });

  it('leaves out reads, and knows what goes on when it begins in the middle', () => {
    const text =
      'data.a.b: Reading...\ndata.a.b: Read complete after 0s [id=x]\ne.f: Still creating... [id=abc, 00m10s elapsed]\ng.h (deposed object 12345678): Destroying... [id=q]\ng.h: Still destroying... [id=q, 10s elapsed]\ni.j: Refreshing state... [id=1]\ni.k: Preparing import... [id=1]\n';
    expect(read(text)).toMatchObject({ done: 0, completed: [], running: ['e.f', 'g.h (deposed object 12345678)'] });
  });

  it('takes the total from a plan line, in any wording', () => {
    expect(read('Plan: 1 to import, 2 to add, 3 to change, 4 to destroy, 5 to forget.\n').total).toBe(9);
    expect(read('Plan: 1 to add, 0 to change, 0 to destroy. Actions: 7 to invoke.\n').total).toBe(1);
  });

  it('imports are reported and not counted', () => {
    expect(read('a.b: Importing... [id=x]\na.b: Import complete [id=x]\n')).toMatchObject({
      done: 0,
      running: [],
      completed: [{ address: 'a.b', action: 'import', id: 'x' }],
    });
  });

  it('does not believe what outputs say', () => {
    const text =
      'a.b: Creating...\na.b: Creation complete after 0s [id=1]\nApply complete! Resources: 1 added, 0 changed, 0 destroyed.\n\nOutputs:\n\no = <<EOT\nx.y: Creating...\nError: fake\nInterrupt received.\n╷\n│ Error: fake\n╵\nEOT\n';
    expect(read(text)).toMatchObject({
      done: 1,
      running: [],
      complete: true,
      errors: 0,
      interrupt: 'none',
      message: null,
    });
  });

  it('sees interrupts', () => {
    expect(read('\nInterrupt received.\nPlease wait\n').interrupt).toBe('graceful');
    expect(read('Interrupt received.\nTwo interrupts received. Exiting immediately.\n').interrupt).toBe('forced');
  });
});

describe('a successor', () => {
  it('ends where the predecessor would have, from any point between two errors', () => {
    const text =
      'Plan: 3 to add, 0 to change, 0 to destroy.\na.b: Creating...\na.b (local-exec): c.d: Creating...\na.b: Creation complete after 0s [id=1]\n\nInterrupt received.\nc.d: Creating...\n╷\n│ Error: one\n╵\n';
    const bytes = Buffer.from(text + text);
    const whole = createOutputReader();
    whole.push(bytes);
    whole.end();
    for (let at = 0; at <= bytes.length; at++) {
      const first = createOutputReader();
      first.push(bytes.subarray(0, at));
      const snapshot = JSON.parse(JSON.stringify(first.snapshot()));
      expect(snapshot.offset).toBe(bytes.subarray(0, at).lastIndexOf('\n') + 1);
      if (first.errors.message() !== (snapshot.errors[0] ?? null)) continue;
      const second = createOutputReader({ from: snapshot });
      second.push(bytes.subarray(snapshot.offset));
      second.end();
      expect(second.progress()).toEqual(whole.progress());
    }
  });
});

describe('errors', () => {
  const box = (...lines: string[]) => `╷\n${lines.map((line) => `│ ${line}\n`).join('')}╵\n`;

  it('come whole, the telling one first', () => {
    const text = `${box('Warning: w', '', 'body')}${box('Error: Terraform encountered problems during initialisation, including problems', 'with the configuration')}${box('Error: Zero blocks', '', '  on main.tf line 1:', '', 'Must have one.')}${box('Error: Other')}`;
    expect(read(text)).toMatchObject({
      errors: 3,
      message:
        'Error: Zero blocks\n\n  on main.tf line 1:\n\nMust have one.\n\n(and 1 more error; the log has all of them)',
    });
  });

  it('take the failed resource out of what is running', () => {
    expect(
      read(`a.b: Creating...\nc.d: Creating...\n${box('Error: x', '', '  with a.b,', '  on main.tf')}`).running,
    ).toEqual(['c.d']);
  });

  it('are bounded in all', () => {
    const reader = createOutputReader({ maxErrorBytes: 100 });
    for (let i = 0; i < 50; i++) reader.push(Buffer.from(box(`Error: ${'x'.repeat(60)}`)));
    expect(reader.errors.errors()).toHaveLength(2);
    expect(reader.errors.message()).toContain('and 49 more errors');
  });

  it('include crashes and words without a border', () => {
    expect(read('fatal error: stack overflow\n\nruntime stack:\n').message).toBe('fatal error: stack overflow');
    expect(read('Error: plain\n').message).toBe('Error: plain');
    expect(createErrorCollector().message()).toBeNull();
  });
});

describe('a flood', () => {
  it('of provisioner output costs next to nothing', () => {
    const lines = Array.from(
      { length: 100_000 },
      (_, i) => `${BOLD}terraform_data.noisy (local-exec):${RESET} ${RESET}${i}\n`,
    );
    const bytes = Buffer.from(lines.join(''));
    const reader = createOutputReader();
    const started = performance.now();
    for (let at = 0; at < bytes.length; at += 65_536) reader.push(bytes.subarray(at, at + 65_536));
    // About 30 ms; the bound allows for a busy machine and still means 50,000 lines per second.
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe.skipIf(SKIP_TERRAFORM)('with real Terraform', () => {
  it('follows an apply that fails halfway, whatever provisioners and keys say', async () => {
    const dir = folderWith({
      'main.tf': `
resource "terraform_data" "a" {
  for_each = toset(["x: Creating...", "y (local-exec): z", "q\\"uo\\nte"])
  input = each.key
  provisioner "local-exec" {
    command = "echo 'fake.x: Creation complete after 0s [id=1]'; echo 'Plan: 5 to add'; printf '\\\\rInterrupt received.\\\\n'"
  }
}
resource "terraform_data" "bad" {
  depends_on = [terraform_data.a]
  provisioner "local-exec" {
    command = "echo out; exit 3"
  }
}
resource "terraform_data" "never" {
  depends_on = [terraform_data.bad]
}
`,
    });
    await planJson(dir);
    const plan = createOutputReader();
    plan.push(Buffer.from((await succeed(dir, ['plan', '-input=false'])).output));
    expect(plan.progress().total).toBe(5);
    const { code, output } = await terraform(dir, ['apply', '-input=false', 'plan']);
    expect(code).toBe(1);
    const progress = read(output, { total: 5 });
    expect(progress).toMatchObject({ done: 3, total: 5, running: [], complete: false, errors: 1, interrupt: 'none' });
    expect(progress.completed.map(({ address }) => address).sort()).toEqual([
      'terraform_data.a["q\\"uo\\nte"]',
      'terraform_data.a["x: Creating..."]',
      'terraform_data.a["y (local-exec): z"]',
    ]);
    expect(progress.completed.every(({ action, id }) => action === 'create' && /^[0-9a-f-]{36}$/.test(id ?? ''))).toBe(
      true,
    );
    expect(progress.message).toMatch(
      /^Error: local-exec provisioner error\n\n {2}with terraform_data\.bad,\n[\s\S]*exit status 3\. Output: out$/,
    );
  });

  it('follows updates, replacements, destructions and the end', async () => {
    const main = (input: string, triggers: string) =>
      `resource "terraform_data" "u" {\n input = "${input}"\n}\nresource "terraform_data" "r" {\n triggers_replace = "${triggers}"\n}\n`;
    const dir = folderWith({ 'main.tf': main('1', '1') });
    await planJson(dir);
    await succeed(dir, ['apply', '-input=false', 'plan']);
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(dir, 'main.tf'), main('2', '2'));
    const summary = (await succeed(dir, ['plan', '-input=false', '-out=plan'])).output;
    const { output } = await succeed(dir, ['apply', '-input=false', 'plan']);
    const progress = read(summary + output);
    expect(progress).toMatchObject({ done: 3, total: 3, running: [], complete: true, errors: 0 });
    expect(progress.completed.map(({ address, action }) => `${action} ${address}`).sort()).toEqual([
      'create terraform_data.r',
      'delete terraform_data.r',
      'update terraform_data.u',
    ]);
    expect(progress.completed.find(({ action }) => action === 'delete')?.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('sees an interrupt', async () => {
    const dir = folderWith({
      'main.tf': 'resource "terraform_data" "slow" {\n provisioner "local-exec" {\n command = "exec sleep 30"\n }\n}\n',
    });
    await planJson(dir);
    const child = spawn('terraform', ['apply', '-input=false', 'plan'], {
      cwd: dir,
      env: terraformEnv(dir),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const reader = createOutputReader({ total: 1 });
    let interrupted = false;
    const onData = (chunk: Buffer) => {
      reader.push(chunk);
      if (interrupted || !reader.progress().running.includes('terraform_data.slow') || !chunk.includes('Executing'))
        return;
      interrupted = true;
      child.kill('SIGINT');
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    const code = await new Promise((resolve) => child.on('close', resolve));
    reader.end();
    expect(code).toBe(1);
    expect(reader.progress()).toMatchObject({ done: 0, interrupt: 'graceful', complete: false });
    expect(reader.progress().errors).toBeGreaterThan(0);
  });

  it('tells a broken configuration by its own words', async () => {
    const dir = folderWith({ 'main.tf': 'terraform {\n required_version = ">= 99.0"\n}\n' });
    const { output } = await terraform(dir, ['init', '-input=false']);
    expect(read(output).message).toMatch(
      /^Error: Unsupported Terraform Core version\n\n[\s\S]*required_version = ">= 99\.0"[\s\S]*unexpected behavior\.$/,
    );
    const broken = folderWith({ 'main.tf': 'variable "v" {\n' });
    expect(read((await terraform(broken, ['init', '-input=false'])).output).message).toMatch(
      /^Error: Unclosed configuration block/,
    );
  });
});
