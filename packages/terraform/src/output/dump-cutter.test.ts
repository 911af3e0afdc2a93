import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStateHeader } from '../state/state-header.ts';
import { folderWith, SKIP_TERRAFORM, startStateServer, succeed, terraform } from '../terraform-for-tests.ts';
import { type CutterPosition, createDumpCutter, type OutputSegment } from './dump-cutter.ts';

const DUMP = `${JSON.stringify({ version: 4, terraform_version: '1.11.4', serial: 1, lineage: 'l', outputs: { o: { value: 'secret\n}\n' } } }, null, 2)}\n`;

function cut(chunks: readonly Uint8Array[], from?: CutterPosition) {
  const cutter = createDumpCutter(from);
  const segments = [...chunks.flatMap((chunk) => cutter.push(chunk)), ...cutter.end()];
  return { ...join_(segments), position: cutter.position() };
}

const join_ = (segments: readonly OutputSegment[]) => {
  const of = (kind: string) => Buffer.concat(segments.filter((s) => s.kind === kind).map((s) => s.bytes)).toString();
  return { output: of('output'), dump: of('dump') };
};

describe('createDumpCutter', () => {
  it('cuts a dump out and nothing else', () => {
    expect(cut([Buffer.from(`before\n${DUMP}\nafter\n`)])).toMatchObject({ output: 'before\n\nafter\n', dump: DUMP });
    expect(cut([Buffer.from(DUMP)])).toMatchObject({ output: '', dump: DUMP });
    expect(cut([Buffer.from(`${DUMP}${DUMP}x`)])).toMatchObject({ output: 'x', dump: DUMP + DUMP });
  });

  it('keeps a dump without an end from the log', () => {
    expect(cut([Buffer.from(`a\n${DUMP.slice(0, 100)}`)])).toMatchObject({ output: 'a\n', dump: DUMP.slice(0, 100) });
  });

  it.each([
    `x${DUMP}`,
    'a (local-exec): {\n  "version": 4,\n',
    `Apply complete! Resources: 1 added.\n\nOutputs:\n\no = <<EOT\n${DUMP}EOT\n`,
    '{\n  "version": 5,\n',
    '{\n',
  ])('leaves %j alone', (text) => {
    expect(cut([Buffer.from(text)])).toMatchObject({ output: text, dump: '' });
  });

  it('hands out whole lines at once', () => {
    const cutter = createDumpCutter();
    expect(join_(cutter.push(Buffer.from('one\ntwo\n')))).toEqual({ output: 'one\ntwo\n', dump: '' });
    expect(join_(cutter.push(Buffer.from('{\n')))).toEqual({ output: '', dump: '' });
    expect(join_(cutter.push(Buffer.from('three')))).toEqual({ output: '{\nthree', dump: '' });
  });

  it('gives the same wherever chunks end and wherever it is taken over', () => {
    const piece = fc.constantFrom(
      DUMP,
      'line\n',
      '\n',
      '{',
      '{\n',
      '}',
      '}\n',
      '  "version": 4,\n',
      'Apply complete! x\n',
      'App',
      DUMP.slice(0, 30),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 40 }),
        fc.nat(40),
        (pieces, sizes, at) => {
          const bytes = Buffer.from(pieces.join(''));
          const whole = cut([bytes]);
          const chunks = split(bytes, sizes);
          expect(cut(chunks)).toEqual(whole);
          // A successor knows only the position and begins again with the byte it names.
          const first = createDumpCutter();
          const before = join_(chunks.slice(0, at).flatMap((chunk) => first.push(chunk)));
          const position = JSON.parse(JSON.stringify(first.position()));
          const after = cut([bytes.subarray(position.offset)], position);
          expect({ output: before.output + after.output, dump: before.dump + after.dump }).toEqual({
            output: whole.output,
            dump: whole.dump,
          });
          expect(after.position.offset).toBe(bytes.length);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

function split(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...chunks, bytes.subarray(at)];
}

describe.skipIf(SKIP_TERRAFORM)('with real Terraform', () => {
  it('cuts out the state that could be saved nowhere', async () => {
    const dir = folderWith({
      'main.tf':
        'terraform {\n backend "http" {\n }\n}\nresource "terraform_data" "a" {\n input = "hunter2-secret"\n}\noutput "o" {\n value = "{\\n  \\"version\\": 4,\\n"\n}\n',
    });
    // Nobody can write a file of this name now.
    mkdirSync(join(dir, 'errored.tfstate'));
    const env = await startStateServer(409);
    await succeed(dir, ['init', '-input=false'], env);
    await succeed(dir, ['plan', '-input=false', '-out=p'], env);
    const { code, output } = await terraform(dir, ['apply', '-input=false', 'p'], env);
    expect(code).toBe(1);
    const { output: log, dump } = cut(split(Buffer.from(output), Array(200).fill(17)));
    expect(parseStateHeader(Buffer.from(dump))).toMatchObject({ version: 4, serial: 1, resourceCount: 1 });
    expect(dump).toContain('hunter2-secret');
    expect(log).not.toContain('hunter2-secret');
    expect(log).toContain('terraform_data.a: Creation complete');
    expect(log).toContain('Failed to persist state to backend');
  });
});
