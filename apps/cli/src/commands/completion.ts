import { Argument, type Command } from 'commander';
import type { Cli } from '../cli.ts';
import { createCommand } from '../command.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { walkTree } from '../completion/tree.ts';
import { zshCompletion } from '../completion/zsh.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

const HOW = `
To have it in every new shell:
  bash  groundcrew completion bash > ~/.local/share/bash-completion/completions/groundcrew
  zsh   groundcrew completion zsh > "\${fpath[1]}/_groundcrew"
  fish  groundcrew completion fish > ~/.config/fish/completions/groundcrew.fish`;

export const completion = (cli: Cli): Command => {
  const command = createCommand('completion', 'Print a script that completes commands and options in your shell', cli)
    .addArgument(new Argument('<shell>').choices(Object.keys(SHELLS)))
    .addHelpText('after', HOW)
    .action((shell: keyof typeof SHELLS) => {
      cli.io.stdout.write(SHELLS[shell](walkTree(command.parent ?? command)));
    });
  return command;
};
