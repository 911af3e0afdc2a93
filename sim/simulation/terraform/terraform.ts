import { createHash } from 'node:crypto';
import type { Invocation, Program } from '../host/child-process.ts';
import { descriptorOf, readAt, writeTo } from '../host/file-system.ts';
import { apply } from './apply.ts';
import { type PlanFile, readState } from './plan-file.ts';
import { leakyLine } from './spell-secrets.ts';
import { createTerraform, type Terraform } from './terraform-process.ts';

const VERSION = '1.11.4';

/** Terraform, as far as a runner can tell: what it asks its back end, what it prints and when, how it takes signals. */
export const terraform: Program = async (invocation) => {
  const [command = ''] = invocation.args;
  if (command === 'version') {
    invocation.print(JSON.stringify({ terraform_version: VERSION }));
    return 0;
  }
  const run = createTerraform(invocation);
  const code = await COMMANDS[command]?.(run, invocation);
  if (code === undefined) throw new Error(`terraform knows no command "${command}"`);
  run.process.host.world.trace.note(run.process.host.name, `terraform ${run.process.pid} ${command} ends with ${code}`);
  return code;
};

type Command = (run: Terraform, invocation: Invocation) => Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = { init, plan, show, apply };

async function init(run: Terraform): Promise<number> {
  await run.say('Initializing the backend...');
  await pause(run, run.dice.between(50, 1_500));
  if (run.interrupts() > 0) return interrupted(run);
  if (run.process.host.disk.find(`${run.cwd}/.terraform`) === undefined)
    run.process.host.disk.makeFolder(`${run.cwd}/.terraform`, true);
  run.write(`${run.cwd}/.terraform/terraform.tfstate`, '{"backend":{"type":"http","config":{"address":null}}}');
  run.write(`${run.cwd}/.terraform.lock.hcl`, '# providers\n');
  await run.say('\u001b[32mTerraform has been successfully initialized!\u001b[0m');
  return 0;
}

async function plan(run: Terraform, { args }: Invocation): Promise<number> {
  const lock = JSON.stringify({ ID: `plan-${run.process.pid}` });
  await run.backend.call('LOCK', lock);
  const state = await readState(run);
  for (let line = run.dice.between(1, 12); line > 0; line -= 1) {
    await run.say(leakyLine(secretsOf(run), run.dice));
    await pause(run, run.dice.between(5, 4_000));
    if (run.interrupts() > 0 && run.dice.chance(0.8)) return unlock(run, lock, await interrupted(run));
  }
  if (run.env.TF_VAR_mood === 'failing') {
    await run.say('╷\n│ Error: Unsupported argument\n│ \n│ It does not work.\n╵');
    return unlock(run, lock, 1);
  }
  const file = makePlan(run, state);
  run.write(args.find((arg) => arg.startsWith('-out='))?.slice(5) ?? '', JSON.stringify(file));
  await run.say(`Plan: ${file.makes.length} to add, 0 to change, 0 to destroy.`);
  return unlock(run, lock, 0);
}

/** Differs from every other plan: Terraform's plan files hold a time stamp. */
function makePlan({ dice, env, process }: Terraform, state: Awaited<ReturnType<typeof readState>>): PlanFile {
  const id = createHash('sha256').update(dice.bytes(16)).digest('hex').slice(0, 12);
  const count = env.TF_VAR_mood === 'idle' ? 0 : dice.between(1, 7);
  const makes = Array.from({ length: count }, (_, at) => `null_resource.r${id}[${at}]`);
  const lineage = state?.lineage ?? `lineage-${id}`;
  return { id, madeBy: process.pid, lineage, priorSerial: state?.serial ?? null, prior: state?.resources ?? [], makes };
}

async function unlock(run: Terraform, lock: string, code: number): Promise<number> {
  await run.backend.call('UNLOCK', lock);
  return code;
}

async function interrupted(run: Terraform): Promise<number> {
  await run.say(
    'Interrupt received.\nPlease wait for Terraform to exit or data loss may occur.\nGracefully shutting down...',
  );
  return 1;
}

/** Ends early with an interrupt. */
async function pause(run: Terraform, ms: number): Promise<void> {
  await Promise.race([run.sleep(ms), run.nextInterrupt()]);
}

const secretsOf = ({ env }: Terraform): string[] =>
  [env.SECRET_ENV, env.TF_HTTP_PASSWORD].filter((secret): secret is string => secret !== undefined);

async function show({ process, sleep }: Terraform, { args }: Invocation): Promise<number> {
  await sleep(20);
  const plan: PlanFile = JSON.parse(readAt(process, args.at(-1) ?? '').toString());
  const changes = plan.makes.map((address) => ({
    address,
    mode: 'managed',
    type: 'null_resource',
    name: address.slice('null_resource.'.length),
    provider_name: 'registry.terraform.io/hashicorp/null',
    change: {
      actions: ['create'],
      before: null,
      after: {},
      after_unknown: {},
      before_sensitive: false,
      after_sensitive: {},
    },
  }));
  const shown = {
    format_version: '1.2',
    terraform_version: VERSION,
    applyable: changes.length > 0,
    resource_changes: changes,
  };
  writeTo(process, descriptorOf(process, 1), Buffer.from(JSON.stringify(shown)));
  return 0;
}
