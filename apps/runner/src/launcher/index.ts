export { type CommandName, type CommandRecord, commandRecord } from './command-record.ts';
export { followCommand } from './follow-command.ts';
export { isAlive } from './is-alive.ts';
export { type CommandOrder, type Launcher, openLauncher } from './open-launcher.ts';
export { isRunning } from './process-stat.ts';
export { endGroup, interruptProcess, killGroup } from './signal-group.ts';
