import { SOCKETS, ViewerFrame } from '@groundcrew/protocol';
import { createTask, waitForEnd } from '../../e2e/harness/index.ts';
import type { Bed } from '../bed.ts';
import { createRow, type Row } from '../row.ts';
import { now } from '../stamped-terraform.ts';
import { median, percentile } from '../statistics.ts';

/** A provisioner that prints what time it is, every 20 ms. */
const ticking = (lines: number): Record<string, string> => ({
  'main.tf': `resource "terraform_data" "clock" {
    provisioner "local-exec" {
      interpreter = ["/bin/bash", "-c"]
      command     = "for i in $(seq ${lines}); do echo \\"tick $EPOCHREALTIME\\"; sleep 0.02; done"
    }
  }`,
});

/** From a line's printing, told by the line itself, until a WebSocket viewer has it. */
export async function measureLineLatency(bed: Bed, lines: number): Promise<Row[]> {
  const workspace = await bed.createWorkspace(ticking(lines));
  await bed.settle();
  const { id } = await createTask(bed.server, workspace);
  const delays: number[] = [];
  let rest = '';
  const socket = bed.server.client.socket({
    path: SOCKETS.viewerLogs,
    query: { task_id: id, phase: 'apply', format: 'bytes' },
    parse: (json) => ViewerFrame.parse(json),
    onMessage: (frame) => {
      const arrivedAt = now();
      if (frame.type !== 'bytes') return;
      const text = rest + Buffer.from(frame.content_base64, 'base64').toString();
      const end = text.lastIndexOf('\n') + 1;
      rest = text.slice(end);
      for (const [, seconds] of text.slice(0, end).matchAll(/tick (\d+\.\d+)/g))
        delays.push(arrivedAt - Number(seconds) * 1000);
    },
  });
  await waitForEnd(bed.server, id, 120_000);
  await bed.server.until('the viewer has every line', () => delays.length >= lines || undefined);
  socket.close();
  if (delays.length !== lines) throw new Error(`The viewer saw ${delays.length} lines of ${lines}.`);
  return [
    createRow('line printed → viewer has it, p50', median(delays), 'ms'),
    createRow('line printed → viewer has it, p99', percentile(delays, 0.99), 'ms', 150),
  ];
}
