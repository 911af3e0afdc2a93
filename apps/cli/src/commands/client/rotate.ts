import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, parseOffset } from '../../command.ts';
import { findMachineClient } from '../../session/find-user.ts';

const A_DAY = 86_400;

export const clientRotate = (cli: Cli): Command =>
  createCommand('rotate', 'Give a machine client a new secret; the old one works on for a while', cli, [
    'client rotate pipeline > pipeline.secret',
    'client rotate pipeline --overlap-seconds 0',
  ])
    .argument('<client>', 'name or id')
    .option('--overlap-seconds <n>', 'how long the old secret works beside the new one', parseOffset, A_DAY)
    .action(async (name: string, { overlapSeconds }: { overlapSeconds: number }) => {
      const client = await cli.client();
      const { id } = await findMachineClient(client, name);
      const body = { overlap_seconds: overlapSeconds };
      const rotated = await client.call('rotateClient', { params: { client_id: id }, body });
      cli.print(rotated, () => rotated.app_secret);
      cli.note(`The key stays ${rotated.app_key}. Keep the secret well: it is not shown again.`);
    });
