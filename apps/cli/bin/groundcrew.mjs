#!/usr/bin/env node
// `npx groundcrew` in a clone: runs the bundle on the pinned Node. Plain JavaScript, for whatever Node (20 or newer) comes here.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const main = join(root, 'dist', 'cli', 'main.mjs');
const pinnedNode = join(root, 'node_modules', '.bin', 'node');

if (!existsSync(main)) {
  process.stderr.write('Groundcrew is not built yet: type "npm start" (or "npm run demo") once.\n');
  process.exitCode = 1;
} else if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(pathToFileURL(main).href);
} else {
  const child = spawn(pinnedNode, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal's Ctrl-C reaches the child by itself; only what is sent to us alone is passed on.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 1));
}
