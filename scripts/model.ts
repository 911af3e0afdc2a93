import { becomeNode } from './exec.ts';

becomeNode('sim/model/main.ts', process.argv.slice(2));
