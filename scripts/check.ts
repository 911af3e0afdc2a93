import { CHECKS, printResult, runChecks } from './checks/index.ts';

const results = await runChecks(CHECKS, printResult);
const failed = results.filter(({ mistakes }) => mistakes.length > 0).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
