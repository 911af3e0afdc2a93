/** Whether these are the words of an administrator's command and not of a server's start. */
export const isAdministration = (args: readonly string[]): boolean => args[0] === 'org' || args[0] === 'audit';

/** Carries the command out; gives the exit code. A server that starts does without everything behind it. */
export const runAdministration = async (args: string[], env: NodeJS.ProcessEnv): Promise<number> =>
  (await import('./run.ts')).runCommand(args, env);
