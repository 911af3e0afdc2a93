import { runCli } from './run-cli.ts';
import { createProcessIo } from './terminal/io.ts';

// Whoever reads our output may leave early (`groundcrew task list | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
const code = await runCli(process.argv.slice(2), createProcessIo());
// Once everything is written: a connection that was cut must not keep a command alive that is done.
process.stdout.write('', () => process.exit(code));
