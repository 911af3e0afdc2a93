import type { Command } from 'commander';

/** A command as completion needs it. */
export interface Node {
  /** Words from the program on, the program itself left out. */
  path: string[];
  summary: string;
  /** Names of its commands with their summaries. */
  commands: { name: string; summary: string }[];
  options: { flags: string[]; summary: string; takesValue: boolean; choices: readonly string[] }[];
}

/** The program and every command below it, walked from commander's own tree, so that completion cannot disagree with the program. */
export function walkTree(program: Command): Node[] {
  const shared = program.options;
  const visit = (command: Command, path: string[]): Node[] => {
    const visible = command
      .createHelp()
      .visibleCommands(command)
      .filter((child) => child.name() !== 'help');
    const options = [...new Set([...command.createHelp().visibleOptions(command), ...shared])];
    const node: Node = {
      path,
      summary: command.description(),
      commands: visible.map((child) => ({ name: child.name(), summary: child.description() })),
      options: options.map((option) => ({
        flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
        summary: option.description,
        takesValue: option.required || option.optional,
        choices: option.argChoices ?? [],
      })),
    };
    return [node, ...visible.flatMap((child) => visit(child, [...path, child.name()]))];
  };
  return visit(program, []);
}
