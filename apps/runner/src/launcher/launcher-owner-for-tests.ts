import { attemptFolder } from '../folder/index.ts';
import { openLauncher } from './open-launcher.ts';

// A process that opens a launcher in a folder, has a shell script run as `plan` when told `go`, and stays until it is killed.
const [root = '', word = '', script = ''] = process.argv.slice(2);
const folder = attemptFolder(root);
const launcher = openLauncher(folder);
const order = {
  name: 'plan' as const,
  program: '/bin/sh',
  args: ['-c', script],
  env: { PATH: '/usr/bin:/bin' },
  cwd: folder.work,
  stdout: folder.raw.plan,
  stderr: folder.raw.plan,
};
if (word === 'go') launcher.go(order);
setInterval(() => {}, 1_000);
