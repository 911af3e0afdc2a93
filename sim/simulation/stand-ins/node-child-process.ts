// Stands in for `node:child_process`.
export { spawn } from '../host/child-process.ts';
