import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FakeAttempt, type FakeControlPlane, startFakeControlPlane } from '@groundcrew/testkit/fake-control-plane';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AttemptSpec, prepareAttempt, startRunner, writeTask } from './runner-for-tests.ts';

let server: FakeControlPlane;
beforeEach(async () => {
  server = await startFakeControlPlane();
});
afterEach(() => server.close());

const BUILT_IN = 'terraform.io/builtin/terraform';
const ONE = { 'main.tf': 'resource "terraform_data" "a" {}\n' };
/** A provider that comes with the configuration: init takes it up, and starting it would fail. */
const VENDORED = `terraform.d/plugins/lab.local/hashicorp/aws/1.0.0/${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}/terraform-provider-aws_v1.0.0`;
const OWN = {
  ...ONE,
  'sub/main.tf':
    'terraform {\n  required_providers {\n    aws = { source = "lab.local/hashicorp/aws" }\n  }\n}\ndata "aws_x" "y" {}\n',
  'mod.tf': 'module "sub" {\n  source = "./sub"\n}\n',
  [VENDORED]: '#!/bin/sh\nexit 1\n',
};

async function run(spec: AttemptSpec & { given?: Partial<FakeAttempt> }) {
  const prepared = await prepareAttempt(server, spec);
  writeTask(prepared);
  const runner = await startRunner(prepared.folder);
  const ended = await runner.heard('ended');
  await runner.exited;
  const began = (command: string) => existsSync(join(prepared.folder.journal, `${command}.order`));
  return { ...prepared, ended, began };
}

test('what is built in has to be allowed as well: refused before the plan, with a sentence, and with what was found', async () => {
  const { attempt, ended, began } = await run({ files: ONE, attempt: { allowed_providers: [] } });
  expect(ended).toMatchObject({ result: 'returned' });
  expect(attempt.returned).toMatch(new RegExp(`^The configuration uses ${BUILT_IN}, which this agent may not use`));
  expect(attempt.providers).toEqual([BUILT_IN]);
  expect(attempt.logs.plan.toString()).toContain('nothing was planned');
  expect([began('init'), began('plan')]).toEqual([true, false]);
});

test('another registry’s provider of an allowed name, in a module, is refused once init has taken it up', async () => {
  const { attempt, folder, began } = await run({
    files: OWN,
    attempt: { allowed_providers: ['aws', 'terraform'] },
  });
  expect(attempt.returned).toContain('uses lab.local/hashicorp/aws, which');
  expect(attempt.providers).toEqual(['lab.local/hashicorp/aws', BUILT_IN]);
  expect(readFileSync(join(folder.work, '.terraform.lock.hcl'), 'utf8')).toContain('lab.local/hashicorp/aws');
  expect(began('plan')).toBe(false);
});

test('a stored plan is applied by nobody who may not use its providers', async () => {
  const { attempt: planned } = await run({ files: ONE, action: 'plan' });
  const { attempt, began } = await run({
    files: ONE,
    action: 'apply',
    attempt: { allowed_providers: ['aws'] },
    planFile: {
      attempt_id: planned.data.attempt.id,
      checksum: planned.planReport!.plan_checksum,
      size: planned.planBundle!.length,
    },
    given: { givenPlan: planned.planBundle },
  });
  expect(attempt.returned).toContain(`uses ${BUILT_IN}, which`);
  expect([began('init'), began('apply'), attempt.permit]).toEqual([true, false, 'none']);
});

test('who may use all that is used goes on, and who may use every provider is not even asked', async () => {
  const strict = await run({ files: ONE, attempt: { allowed_providers: ['terraform'] } });
  expect(strict.ended).toMatchObject({ result: 'succeeded' });
  expect(strict.began('providers')).toBe(true);
  const free = await run({ files: ONE, attempt: { allowed_providers: null } });
  expect(free.ended).toMatchObject({ result: 'succeeded' });
  expect(free.began('providers')).toBe(false);
});
