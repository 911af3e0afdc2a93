import { attemptFolder } from '../folder/index.ts';
import { prepareCommand } from './prepare-command.ts';

// A process that prepares a shell script as `plan` in a folder, has it run when told `go`, and stays until it is killed.
const [root = '', word = '', script = ''] = process.argv.slice(2);
const folder = attemptFolder(root);
const command = prepareCommand(folder, {
  name: 'plan',
  program: '/bin/sh',
  args: ['-c', script],
  env: { PATH: '/usr/bin:/bin' },
  cwd: folder.work,
  stdout: folder.raw.plan,
  stderr: folder.raw.plan,
});
if (word === 'go') command.go();
setInterval(() => {}, 1_000);
