import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderWith, SKIP_TERRAFORM, succeed } from '../terraform-for-tests.ts';
import { formatAddress } from './resource-address.ts';
import { parseStateHeader } from './state-header.ts';
import { listStateResources } from './state-resources.ts';
import { collectStateSecrets } from './state-secrets.ts';

const state = (extra: object = {}) =>
  Buffer.from(
    JSON.stringify({
      version: 4,
      terraform_version: '1.11.4',
      serial: 3,
      lineage: 'l',
      outputs: {},
      resources: [],
      ...extra,
    }),
  );

describe('parseStateHeader', () => {
  it('reads a minimal state and one of an unknown future', () => {
    expect(parseStateHeader(state())).toEqual({
      version: 4,
      serial: 3,
      lineage: 'l',
      terraformVersion: '1.11.4',
      resourceCount: 0,
      outputs: {},
      encrypted: false,
    });
    expect(parseStateHeader(state({ resources: null, outputs: null, new_thing: [1] }))).toMatchObject({
      resourceCount: 0,
      outputs: {},
    });
  });

  it('counts instances of managed resources', () => {
    const resources = [
      { mode: 'managed', instances: [{}, {}] },
      { mode: 'data', instances: [{}] },
      { mode: 'managed', instances: [] },
    ];
    expect(parseStateHeader(state({ resources })).resourceCount).toBe(2);
  });

  it('hides sensitive outputs and leaves out huge ones', () => {
    const outputs = {
      a: { value: [1, 'x'], type: ['list', 'string'] },
      s: { value: 'secret', type: 'string', sensitive: true },
      big: { value: 'x'.repeat(2 << 20), type: 'string' },
      z: { value: 1, type: 'number' },
    };
    expect(parseStateHeader(state({ outputs })).outputs).toEqual({
      a: { value: [1, 'x'], type: ['list', 'string'], sensitive: false },
      s: { value: null, type: 'string', sensitive: true },
      big: { value: { $omitted: true }, type: 'string', sensitive: false },
      z: { value: 1, type: 'number', sensitive: false },
    });
  });

  it('reads what OpenTofu leaves in clear of an encrypted state', () => {
    const bytes = Buffer.from(
      '{"serial":7,"lineage":"l","meta":{"k":"v"},"encrypted_data":"AAAA","encryption_version":"v0"}',
    );
    expect(parseStateHeader(bytes)).toMatchObject({ serial: 7, lineage: 'l', encrypted: true, resourceCount: 0 });
  });

  it.each([
    '',
    '{}',
    '[]',
    'null',
    '{"version":4}',
    '{"version":4,"serial":"1","lineage":"l"}',
    '{"version":4,"serial":1,"lineage":"s3cret',
  ])('refuses %j', (text) => {
    expect(() => parseStateHeader(Buffer.from(text))).toThrow(/^This is no Terraform state: [^3]*\.$/);
  });

  it('does not choke on 64 MB', () => {
    const instance = {
      attributes: { id: 'x', list: Array.from({ length: 50 }, (_, i) => `depends "on" ${i}`) },
      sensitive_attributes: [],
    };
    const one = JSON.stringify({ mode: 'managed', type: 't', name: 'n', instances: [instance] }, null, 2);
    const bytes = Buffer.from(
      `{"version":4,"serial":1,"lineage":"l","resources":[${Array(Math.ceil((64 << 20) / one.length))
        .fill(one)
        .join(',\n')}]}`,
    );
    const before = process.memoryUsage().rss;
    const started = performance.now();
    const header = parseStateHeader(bytes);
    expect(header.resourceCount).toBeGreaterThan(30_000);
    // Generous: the machine may be busy. It is about 0.3 s.
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 << 20);
  });
});

describe('formatAddress', () => {
  it.each([
    [{ module: undefined, mode: 'managed', type: 't', name: 'n', index: undefined }, 't.n'],
    [{ module: 'module.a["x"]', mode: 'data', type: 't', name: 'n', index: 0 }, 'module.a["x"].data.t.n[0]'],
    [
      { module: undefined, mode: 'managed', type: 't', name: 'n', index: 'a"b\\c\n\t${x}%{y}$\u0001\u{e0001}é🚀 ' },
      't.n["a\\"b\\\\c\\n\\t$${x}%%{y}$\\u0001\\U000e0001é🚀 "]',
    ],
  ])('%j', (parts, address) => {
    expect(formatAddress(parts)).toBe(address);
  });
});

describe.skipIf(SKIP_TERRAFORM)('with real Terraform', () => {
  const MAIN = `
variable "password" {
  default = "hunter2-password"
  sensitive = true
}
resource "terraform_data" "whole" {
  input = var.password
}
resource "terraform_data" "part" {
  input = { list = ["plain", var.password, 99887766554433221100], open = "open-text" }
}
resource "terraform_data" "each" {
  for_each = toset(["a b", "q\\"\\n$\${x}"])
  input = each.key
}
resource "terraform_data" "counted" {
  count = 2
}
resource "terraform_data" "bad" {
  provisioner "local-exec" {
    command = "exit 1"
  }
}
output "secret" {
  value = "output-secret"
  sensitive = true
}
output "open" {
  value = { n = 12345678901234567890, list = [1] }
}
`;
  it('agrees with Terraform about addresses, outputs, secrets', async () => {
    const dir = folderWith({ 'main.tf': MAIN });
    await succeed(dir, ['init', '-input=false']);
    await expect(succeed(dir, ['apply', '-auto-approve', '-input=false'])).rejects.toThrow('exit status 1');
    const bytes = readFileSync(join(dir, 'terraform.tfstate'));
    const header = parseStateHeader(bytes);
    expect(header).toMatchObject({ version: 4, resourceCount: 7, encrypted: false });
    expect(header.lineage).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(JSON.stringify(header.outputs))).toMatchObject({
      secret: { value: null, sensitive: true },
      open: { value: { n: { $number: '12345678901234567890' }, list: [1] }, sensitive: false },
    });
    const resources = [...listStateResources(bytes)];
    const listed = (await succeed(dir, ['state', 'list'])).stdout.trim().split('\n');
    expect(resources.map(({ address }) => address).sort()).toEqual(listed.sort());
    expect(resources.filter(({ tainted }) => tainted).map(({ address }) => address)).toEqual(['terraform_data.bad']);
    expect(resources.every(({ id }) => /^[0-9a-f-]{36}$/.test(id ?? ''))).toBe(true);
    const secrets = collectStateSecrets(bytes);
    expect(secrets.map(({ value }) => value).sort()).toEqual(['hunter2-password', 'output-secret']);
    expect(secrets.map(({ origin }) => origin).sort()).toEqual(['output "secret"', 'terraform_data.part']);
  });
});
