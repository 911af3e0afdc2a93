import type { Client } from '@groundcrew/client';
import { sha256Hex } from '@groundcrew/kit';
import type { RunTask } from '@groundcrew/protocol';

const LOG = Buffer.from('No changes. Your infrastructure matches the configuration.\n');

/**
 * The calls of an attempt whose plan finds nothing to change: data, renewal, log, plan file, report, exit record.
 * @param client with the attempt's own secret
 */
export async function runAttempt(client: Client, order: RunTask, hold?: () => Promise<void>): Promise<void> {
  const params = { task_id: order.task_id };
  await client.call('getTaskData', { params, query: { without: 'state_content' } });
  await client.call('renewAttempt', { params, body: { stage: 'planning', terraform_version: '1.11.4' } });
  const checksum = sha256Hex(LOG);
  await client.call('appendLog', {
    params,
    body: { phase: 'plan', offset: 0, content_base64: LOG.toString('base64'), checksum },
  });
  await hold?.();
  const planChecksum = await storePlan(client, order);
  await client.call('finishAttempt', {
    params,
    body: {
      result: 'succeeded',
      exit_code: 0,
      signal: null,
      logs: [{ phase: 'plan', length: LOG.length, checksum }],
      plan_checksum: planChecksum,
    },
  });
}

async function storePlan(client: Client, { task_id, attempt }: RunTask): Promise<string> {
  const bundle = Buffer.from(`plan of ${attempt.id}`);
  const planChecksum = sha256Hex(`plan file of ${attempt.id}`);
  const params = { task_id };
  const headers = { 'x-content-sha256': sha256Hex(bundle), 'x-plan-sha256': planChecksum };
  await client.call('putPlanFile', { params, headers, raw: bundle });
  const nothing = { has_changes: false, resource_changes: [], output_changes: [] };
  const counts = { add: 0, change: 0, destroy: 0, replace: 0, import: 0 };
  const details = { counts, terraform_version: '1.11.4', ...nothing };
  await client.call('reportPlan', {
    params,
    body: { details, plan_checksum: planChecksum, lineage: null, serial: null },
  });
  return planChecksum;
}
