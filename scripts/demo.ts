import { buildAll } from './build.ts';
import { becomeNode } from './exec.ts';

await buildAll();
becomeNode('dist/cli/main.mjs', ['demo', ...process.argv.slice(2)]);
