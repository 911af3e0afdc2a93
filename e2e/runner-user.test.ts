import { chmodSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createLab,
  createPool,
  createWorkspace,
  type Lab,
  plain,
  pushFiles,
  type RunningServer,
  readWholeLog,
  runTask,
  SKIP_TERRAFORM,
} from './harness/index.ts';

const UID = 64_001;
/** What Terraform's own user can find out about the agent. A file of its own, since Terraform prints the commands it runs. */
const SPY = `
echo "uid=$(id -u)"
for p in /proc/[0-9]*; do
  if tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -q 'agent/main[.]mjs'; then
    if cat $p/environ >/dev/null 2>&1; then echo "environ=readable"; else echo "environ=closed"; fi
  fi
done
if ls "$HOME/../../.." >/dev/null 2>&1; then echo "workdir=readable"; else echo "workdir=closed"; fi
env | cut -d= -f1 | sort | tr '\\n' ' '
`;
const CONFIGURATION = {
  'main.tf': 'resource "terraform_data" "spy" {\n  provisioner "local-exec" {\n    command = "sh spy.sh"\n  }\n}\n',
  'spy.sh': SPY,
};

describe.skipIf(SKIP_TERRAFORM || process.getuid?.() !== 0)(
  'an agent that runs as root with another user for its runners',
  () => {
    let lab: Lab;
    let server: RunningServer;

    beforeAll(async () => {
      lab = await createLab();
      // The lab's folder is closed to others; runners of another user have to pass through it.
      chmodSync(lab.folder, 0o711);
      server = await lab.startServer();
    });
    afterAll(() => lab?.close());

    test('Terraform runs as that user, which sees neither the agent’s environment nor its folders', async () => {
      const { pool, token } = await createPool(server);
      const agent = await lab.startAgent({ server, token, runnerUid: UID, env: { AGENT_CANARY: 'not-for-terraform' } });
      const workspace = await createWorkspace(server, { pool, auto_approve: true });
      await pushFiles(server, workspace, CONFIGURATION);
      const task = await runTask(server, workspace);
      expect(task.status).toBe('applied');
      const log = plain((await readWholeLog(server, task.id, 'apply')).text);
      const uid = Number(/uid=(\d+)/.exec(log)?.[1]);
      expect(uid).toBeGreaterThanOrEqual(UID);
      expect(log).toContain('environ=closed');
      expect(log).not.toContain('environ=readable');
      expect(log).toContain('workdir=closed');
      expect(log).not.toContain('AGENT_CANARY');
      for (const folder of agent.listFolders()) {
        const { uid: owner, mode } = statSync(folder);
        expect(owner).toBeGreaterThanOrEqual(UID);
        expect(mode & 0o777).toBe(0o700);
        expect(statSync(dirname(folder)).mode & 0o777).toBe(0o711);
      }
    });
  },
);
