import { putWorldBelow } from './kernel/hooks.ts';

// `npm run sim`: deterministic simulation of server and agents. The product is imported only once the simulated world lies
// below it; see docs/simulation.md.

putWorldBelow();
const { runCommand } = await import('./command.ts');
process.exitCode = await runCommand(process.argv.slice(2));
