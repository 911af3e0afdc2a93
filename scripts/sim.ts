import { becomeNode } from './exec.ts';

becomeNode('sim/simulation/main.ts', process.argv.slice(2));
