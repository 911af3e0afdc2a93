/** Whether these are the words of an administrator's command and not of a server's start. */
export const isAdministration = (args: readonly string[]): boolean => args[0] === 'org' || args[0] === 'audit';
