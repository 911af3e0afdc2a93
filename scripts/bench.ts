import { buildAll } from './build.ts';
import { becomeNode } from './exec.ts';

await buildAll();
becomeNode('bench/main.ts', process.argv.slice(2));
