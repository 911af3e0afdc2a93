import type { Node } from './tree.ts';

/** A completion script for bash. It finds the command by its words and offers that command's own words, else files. */
export function bashCompletion(nodes: readonly Node[]): string {
  return `# bash completion for groundcrew
_groundcrew() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path="" word words=""
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${nodes.flatMap(stepCase).join('\n')}
    esac
  done
  case "\${path# } $prev" in
${nodes.flatMap(valueCases).join('\n')}
    *)
      case "\${path# }" in
${nodes.map(wordCase).join('\n')}
      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _groundcrew groundcrew
`;
}

/** Goes one step down the tree when a word names a command there. */
const stepCase = ({ path }: Node): string[] =>
  path.length === 0 ? [] : [`      ${quote(` ${path.join(' ')}`)}) path=${quote(` ${path.join(' ')}`)} ;;`];

/** Behind an option that takes a value: its choices, or files when it has none. */
const valueCases = ({ path, options }: Node): string[] =>
  options
    .filter(({ takesValue }) => takesValue)
    .flatMap(({ flags, choices }) =>
      flags.map((flag) => `    ${quote(`${path.join(' ')} ${flag}`)}) words=${quote(choices.join(' '))} ;;`),
    );

const wordCase = ({ path, commands, options }: Node): string => {
  const words = [...commands.map(({ name }) => name), ...options.flatMap(({ flags }) => flags)];
  return `        ${quote(path.join(' '))}) words=${quote(words.join(' '))} ;;`;
};

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
