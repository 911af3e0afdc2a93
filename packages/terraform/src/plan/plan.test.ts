import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { folderWith, planJson, SKIP_TERRAFORM, succeed } from '../terraform-for-tests.ts';
import { describePlan } from './plan-details.ts';
import { type PlanJson, type PlannedResource, parsePlan } from './plan-json.ts';
import { collectPlanSecrets } from './plan-secrets.ts';
import { summarisePlan } from './plan-summary.ts';
import { redact } from './redact.ts';

const SENSITIVE = { $sensitive: true };
const never = () => false;
const resource = (actions: string[], extra: Partial<PlannedResource> = {}): PlannedResource => ({
  address: 'a.b',
  mode: 'managed',
  type: 'a',
  name: 'b',
  provider_name: 'p',
  ...extra,
  change: { actions, ...extra.change },
});
const planOf = (resources: PlannedResource[], extra: Partial<PlanJson> = {}): PlanJson => ({
  format_version: '1.2',
  resource_changes: resources,
  ...extra,
});

describe('parsePlan', () => {
  it('takes 1.x and refuses the rest without quoting it', () => {
    expect(parsePlan(Buffer.from('{"format_version":"1.9"}')).format_version).toBe('1.9');
    expect(() => parsePlan(Buffer.from('{"format_version":"2.0"}'))).toThrow('only 1.x is understood');
    expect(() => parsePlan(Buffer.from('{"format_version":"0.2"}'))).toThrow('only 1.x is understood');
    for (const text of ['', 'null', '[]', '{}', '{"format_version":1}', '{"s3cret": "']) {
      expect(() => parsePlan(Buffer.from(text))).toThrow(
        /^What "show -json" printed is not [^s]*; the plan file is probably damaged\.$/,
      );
    }
  });
});

describe('summarisePlan', () => {
  it('counts as the Plan line does', () => {
    const plan = planOf(
      [
        resource(['no-op']),
        resource(['create']),
        resource(['read'], { mode: 'data' }),
        resource(['update']),
        resource(['delete']),
        resource(['delete'], { mode: 'data' }),
        resource(['delete', 'create']),
        resource(['create', 'delete']),
        resource(['forget']),
        resource(['create', 'forget']),
        resource(['no-op'], { previous_address: 'a.c' }),
        resource(['update'], { previous_address: 'a.c' }),
        resource(['no-op'], { change: { actions: ['no-op'], importing: { id: 'x' } } }),
        resource(['no-op'], { previous_address: 'a.b' }),
      ],
      { output_changes: { a: { actions: ['no-op'] }, b: { actions: ['create'] } } },
    );
    expect(summarisePlan(plan)).toEqual({
      add: 4,
      change: 2,
      destroy: 3,
      replace: 3,
      import: 1,
      forget: 2,
      move: 2,
      read: 1,
      outputsChanged: 1,
      applyable: true,
      errored: false,
    });
  });

  it('tells whether there is anything to apply, also where the plan does not', () => {
    expect(summarisePlan(planOf([resource(['create'])], { applyable: false })).applyable).toBe(false);
    expect(summarisePlan(planOf([resource(['no-op'])])).applyable).toBe(false);
    expect(summarisePlan(planOf([resource(['delete'], { mode: 'data' })])).applyable).toBe(true);
    expect(summarisePlan(planOf([], { resource_drift: [resource(['update'])] })).applyable).toBe(true);
    expect(summarisePlan(planOf([resource(['create'])], { errored: true })).applyable).toBe(false);
    expect(summarisePlan(planOf([], { output_changes: { o: { actions: ['update'] } } })).applyable).toBe(true);
  });
});

describe('redact', () => {
  it('follows the map, at leaves and at whole subtrees', () => {
    expect(
      redact({ a: 1, b: { c: 's', d: [1, 's'] }, e: { f: 's' } }, { b: { c: true, d: [false, true] }, e: true }, never),
    ).toEqual({
      a: 1,
      b: { c: SENSITIVE, d: [1, SENSITIVE] },
      e: SENSITIVE,
    });
    expect(redact(undefined, undefined, never)).toBeNull();
  });
  it('keeps values that look like a marker apart from markers', () => {
    expect(redact({ $sensitive: true }, {}, never)).toEqual({ $literal: { $sensitive: true } });
    expect(redact({ $sensitive: 1, x: 2 }, {}, never)).toEqual({ $sensitive: 1, x: 2 });
  });
  it('leaves everything else as it is, for any value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        if (JSON.stringify(value).includes('$')) return;
        expect(redact(value, {}, never)).toEqual(value);
      }),
    );
  });
  it('ends on deep values', () => {
    let deep: unknown = 'x';
    for (let i = 0; i < 5_000; i++) deep = [deep];
    expect(JSON.stringify(redact(deep, {}, never))).toContain('$omitted');
  });
});

describe('describePlan', () => {
  it('keeps small values when large ones do not fit', () => {
    const big = resource(['create'], { change: { actions: ['create'], after: 'x'.repeat(2_000) } });
    const small = resource(['create'], { change: { actions: ['create'], after: 'y' } });
    const details = describePlan(planOf([big, small]), { maxBytes: 1_000 });
    expect(details.truncated).toBe(true);
    expect(details.resource_changes.map(({ after }) => after)).toEqual([{ $omitted: true }, 'y']);
    expect(describePlan(planOf([small, small]), { maxEntries: 1 })).toMatchObject({
      truncated: true,
      resource_changes: [{ after: 'y' }],
    });
  });
  it('takes out what the caller knows to be secret', () => {
    const plan = planOf([
      resource(['create'], { change: { actions: ['create'], after: { a: 'token=abcdef', n: 12345678 } } }),
    ]);
    const isSecret = (text: string) => text.includes('abcdef') || text === '12345678';
    expect(describePlan(plan, { isSecret }).resource_changes[0]?.after).toEqual({ a: SENSITIVE, n: SENSITIVE });
  });
});

describe.skipIf(SKIP_TERRAFORM)('with real Terraform', () => {
  const MAIN = `
variable "password" {
  sensitive = true
  default = "hunter2-password"
}
variable "object" {
  sensitive = true
  default = { key = "object-secret", pin = 12345678, short = 12, flag = true }
}
variable "big" {
  default = 12345678901234567890.123
}
module "m" {
  source = "./m"
  token = "literal-module-token"
}
resource "terraform_data" "secret" {
  input = { password = var.password, plain = "visible" }
}
resource "terraform_data" "each" {
  for_each = toset(["a b", "c"])
  input = { n = var.big, key = each.key }
}
resource "terraform_data" "counted" {
  count = 2
  input = count.index
}
output "out" {
  sensitive = true
  value = "output-secret"
}
output "plain" {
  value = terraform_data.counted[0].id
}
`;
  const files = { 'main.tf': MAIN };
  const withModule = async () => {
    const dir = folderWith(files);
    const { mkdirSync } = await import('node:fs');
    mkdirSync(join(dir, 'm'));
    writeFileSync(
      join(dir, 'm', 'm.tf'),
      'variable "token" {\n sensitive = true\n}\nresource "terraform_data" "t" {\n input = sha256(var.token)\n}\n',
    );
    return dir;
  };

  it('counts, describes and hides', async () => {
    const dir = await withModule();
    const plan = parsePlan(Buffer.from(await planJson(dir)));
    expect(summarisePlan(plan)).toEqual({
      add: 6,
      change: 0,
      destroy: 0,
      replace: 0,
      import: 0,
      forget: 0,
      move: 0,
      read: 0,
      outputsChanged: 2,
      applyable: true,
      errored: false,
    });
    const secrets = collectPlanSecrets(plan);
    expect(secrets.map(({ value }) => value).sort()).toEqual(
      expect.arrayContaining([
        '12345678',
        'hunter2-password',
        'literal-module-token',
        'object-secret',
        'output-secret',
      ]),
    );
    expect(secrets.find(({ value }) => value === 'hunter2-password')?.origin).toBe('variable "password"');
    const details = describePlan(plan);
    const text = JSON.stringify(details);
    for (const secret of ['hunter2', 'object-secret', 'output-secret', 'literal-module-token', '12345678"'])
      expect(text).not.toContain(secret);
    const byAddress = Object.fromEntries(details.resource_changes.map((change) => [change.address, change]));
    expect(byAddress['terraform_data.secret']?.after).toMatchObject({
      input: { password: SENSITIVE, plain: 'visible' },
    });
    expect(byAddress['terraform_data.secret']?.after_unknown).toMatchObject({ id: true, output: true });
    expect(byAddress['terraform_data.each["a b"]']).toMatchObject({
      mode: 'managed',
      type: 'terraform_data',
      name: 'each',
      index: 'a b',
      module_address: null,
      actions: ['create'],
      importing: false,
      reason: null,
      provider: 'terraform.io/builtin/terraform',
      before: null,
      after: { input: { n: { $number: '12345678901234567890.123' } } },
    });
    expect(byAddress['terraform_data.counted[1]']?.index).toBe(1);
    expect(byAddress['module.m.terraform_data.t']?.module_address).toBe('module.m');
    expect(details.output_changes).toEqual([
      { name: 'out', actions: ['create'], sensitive: true, before: null, after: SENSITIVE, after_unknown: false },
      { name: 'plain', actions: ['create'], sensitive: false, before: null, after: null, after_unknown: true },
    ]);
  });

  it('tells moves, replacements, updates, forgotten and destroyed ones, as the Plan line does', async () => {
    const dir = await withModule();
    await planJson(dir);
    await succeed(dir, ['apply', '-input=false', 'plan']);
    const changed = MAIN.replace('"counted"', '"recounted"')
      .replaceAll('terraform_data.counted[0].id', '"x"')
      .replace('"visible"', '"changed"')
      .replace('"a b", "c"', '"c"')
      .replace(/module "m"[^}]*}/, '');
    writeFileSync(
      join(dir, 'main.tf'),
      `${changed}
moved {
  from = terraform_data.counted
  to = terraform_data.recounted
}
removed {
  from = module.m.terraform_data.t
  lifecycle {
    destroy = false
  }
}
import {
  to = terraform_data.imported
  id = "some-id"
}
resource "terraform_data" "imported" {
}
`,
    );
    rmSync(join(dir, 'plan'));
    const json = await planJson(dir, ['-replace=terraform_data.each["c"]', '-no-color']);
    const summary = summarisePlan(parsePlan(Buffer.from(json)));
    expect(summary).toEqual({
      add: 1,
      change: 1,
      destroy: 2,
      replace: 1,
      import: 1,
      forget: 1,
      move: 2,
      read: 0,
      outputsChanged: 1,
      applyable: true,
      errored: false,
    });
    const human = (await succeed(dir, ['plan', '-input=false', '-no-color', '-replace=terraform_data.each["c"]']))
      .stdout;
    expect(human).toContain(
      `Plan: ${summary.import} to import, ${summary.add} to add, ${summary.change} to change, ${summary.destroy} to destroy.`,
    );
    const details = describePlan(parsePlan(Buffer.from(json)));
    expect(details.resource_changes.find(({ reason }) => reason === 'replace_by_request')?.address).toBe(
      'terraform_data.each["c"]',
    );
    expect(details.resource_changes.find(({ previous_address }) => previous_address !== null)).toMatchObject({
      previous_address: expect.stringContaining('terraform_data.counted'),
      actions: ['no-op'],
    });
    expect(JSON.stringify(details)).not.toContain('hunter2');
  });

  it('an unchanged configuration has nothing to apply', async () => {
    const dir = await withModule();
    await planJson(dir);
    await succeed(dir, ['apply', '-input=false', 'plan']);
    const plan = parsePlan(Buffer.from(await planJson(dir)));
    expect(summarisePlan(plan)).toMatchObject({ add: 0, change: 0, destroy: 0, applyable: false });
    expect(describePlan(plan)).toEqual({ resource_changes: [], output_changes: [], truncated: false });
    // The prior state still holds what the configuration marks.
    expect(collectPlanSecrets(plan).map(({ value }) => value)).toContain('hunter2-password');
  });
});
