import { posix } from 'node:path';
import type { Invocation } from '../host/child-process.ts';
import { readAt } from '../host/file-system.ts';
import type { ApplyRun } from './ledger.ts';
import { type PlanFile, readState, renderState, type State } from './plan-file.ts';
import { startProvider } from './provider.ts';
import { leakyLine } from './spell-secrets.ts';
import type { Terraform } from './terraform-process.ts';

/** Between two saves of the state while resources come into being. */
const PERSIST_EVERY_MS = 20_000;

/** One apply under way. */
interface Applying {
  readonly run: Terraform;
  readonly plan: PlanFile;
  readonly entry: ApplyRun;
  readonly lockId: string;
  /** Resources that exist, as Terraform knows it. */
  readonly resources: string[];
  savedSerial: number;
  /** The error that a refused save leaves. */
  failed: boolean;
}

/** LOCK, GET, one resource after another with the state saved every 20 s and at the end, UNLOCK. */
export async function apply(run: Terraform, { args }: Invocation): Promise<number> {
  const { process, env } = run;
  const { world, name } = process.host;
  const plan: PlanFile = JSON.parse(readAt(process, args.at(-1) ?? '').toString());
  const lockId = `apply-${name}-${process.pid}`;
  const locked = await run.backend.call('LOCK', JSON.stringify({ ID: lockId, Operation: 'OperationTypeApply' }));
  if (locked.status !== 200) {
    await run.say('╷\n│ Error: Error acquiring the state lock\n│ \n│ Somebody holds it.\n╵');
    return 1;
  }
  const found = await readState(run);
  if ((found?.serial ?? null) !== plan.priorSerial) {
    await run.say('╷\n│ Error: Saved plan is stale\n╵');
    await run.backend.call('UNLOCK', JSON.stringify({ ID: lockId }));
    return 1;
  }
  const entry = world.ledger.begin({
    workspace: env.TF_VAR_workspace ?? '',
    attempt: attemptOf(run, args.at(-1) ?? ''),
    plan: plan.id,
    host: name,
    pid: process.pid,
  });
  process.atExit.add(() => {
    entry.changing = false;
  });
  const serial = plan.priorSerial ?? 0;
  return carryOut({ run, plan, entry, lockId, resources: [...plan.prior], savedSerial: serial, failed: false });
}

/** The attempt that it runs for stands in the folder of its plan file. */
function attemptOf({ process }: Terraform, planPath: string): string {
  const task = readAt(process, posix.join(posix.dirname(planPath), 'task.json')).toString();
  return (JSON.parse(task) as { attempt_id: string }).attempt_id;
}

async function carryOut(applying: Applying): Promise<number> {
  const { run, plan, lockId, entry } = applying;
  let persistedAt = run.process.host.world.loop.now();
  let heard = 0;
  for (const address of plan.makes) {
    await run.say(`${address}: Creating...`);
    const ending = await create(applying, address);
    if (ending === 'forced') return forced(run);
    const now = run.process.host.world.loop.now();
    if (run.interrupts() > heard) {
      heard = run.interrupts();
      entry.interrupts = heard;
      await run.say('Interrupt received.\nGracefully shutting down...\nStopping operation...');
      await persist(applying);
      break;
    }
    if (now - persistedAt >= PERSIST_EVERY_MS) {
      persistedAt = now;
      await persist(applying);
    }
  }
  const saved = await Promise.race([persist(applying).then(() => true), forceful(run).then(() => false)]);
  if (!saved) return forced(run);
  await run.backend.call('UNLOCK', JSON.stringify({ ID: lockId }));
  entry.changing = false;
  const whole = applying.resources.length === plan.prior.length + plan.makes.length;
  if (whole && !applying.failed)
    await run.say(`\nApply complete! Resources: ${plan.makes.length} added, 0 changed, 0 destroyed.`);
  else await run.say('╷\n│ Error: execution halted\n╵');
  return whole && !applying.failed ? 0 : 1;
}

/** The provider finishes what it has begun, unless Terraform is forced to leave it alone. */
async function create({ run, entry, resources }: Applying, address: string): Promise<'made' | 'forced'> {
  const { dice, process } = run;
  const provider = startProvider(process, { entry, address, ms: dice.between(20, 25_000) });
  if (dice.chance(0.5)) await run.say(leakyLine([run.env.SECRET_ENV ?? 'none'], dice));
  const ending = await Promise.race([
    provider.gone.then(() => 'made' as const),
    forceful(run).then(() => 'forced' as const),
  ]);
  if (ending === 'forced') {
    // The thing is there, whether or not anybody will hear of it.
    if (provider.kill()) process.host.world.ledger.make(entry, address);
    return 'forced';
  }
  resources.push(address);
  await run.say(`${address}: Creation complete after 1s [id=${address}]`);
  return 'made';
}

async function forceful(run: Terraform): Promise<void> {
  while (run.interrupts() < 2) await run.nextInterrupt();
}

async function forced(run: Terraform): Promise<number> {
  await run.say(
    'Two interrupts received. Exiting immediately. Note that data loss may have occurred.\n╷\n│ Error: operation canceled\n╵',
  );
  return 1;
}

/** Saves the state; one that is refused goes to errored.tfstate. */
async function persist(applying: Applying): Promise<void> {
  const { run, entry, lockId } = applying;
  const last = entry.saved.at(-1)?.resources.length ?? applying.plan.prior.length;
  if (applying.resources.length === last) return;
  applying.savedSerial += 1;
  const resources = [...applying.resources];
  const state: State = { lineage: applying.plan.lineage, serial: applying.savedSerial, resources };
  const text = renderState(state);
  const { status } = await run.backend.call('POST', text, `?ID=${lockId}`);
  if (status === 200) {
    entry.saved.push(state);
    return;
  }
  applying.failed = true;
  await run.say('╷\n│ Error: Failed to save state\n╵');
  run.write(`${run.cwd}/errored.tfstate`, text);
}
