import { buildAll } from './build.ts';
import { becomeNode } from './exec.ts';

await buildAll();
becomeNode('e2e/fuzz/main.ts', process.argv.slice(2));
