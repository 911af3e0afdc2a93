export { type AgentOptions, createPool, type RunningAgent } from './agent.ts';
export { type Entry, packEntries, packFiles, readFolder } from './archive.ts';
export { type Answer, ask, findRefusalMistakes, type Question } from './ask.ts';
export { type BareRun, runBare } from './bare.ts';
export { bundleOf, ROOT } from './bundles.ts';
export { type CliResult, runCli } from './cli.ts';
export { dumpDatabase, openDatabase } from './database.ts';
export { findFreePort } from './free-port.ts';
export { createLab, type Lab } from './lab.ts';
export { joinFrames, plain, readLog, readText, readWholeLog, type StoredLog, type Watched, watchTask } from './logs.ts';
export { endProcessesBelow, type FoundProcess, findMemory, listProcessesBelow, sendSignal } from './process-tree.ts';
export { startProgram } from './program.ts';
export type { RunningServer } from './server.ts';
export { startServerWithAgent } from './server-with-agent.ts';
export {
  approve,
  cancel,
  createTask,
  getTask,
  listAttempts,
  listEvents,
  runTask,
  waitForEnd,
  waitForPlan,
  waitForTask,
} from './tasks.ts';
export { findTerraform, SKIP_TERRAFORM } from './terraform.ts';
export { createWorkspace, pushArchive, pushEntries, pushExample, pushFiles, setVariable } from './workspaces.ts';
