export { runKeysCommand } from './keys-command.ts';
