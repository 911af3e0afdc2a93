import type { Node } from './tree.ts';

/** A completion script for bash. It finds the command by its words and offers that command's own words. */
export function bashCompletion(nodes: readonly Node[]): string {
  const cases = nodes.map((node) => `    ${quote(node.path.join(' '))}) words=${quote(wordsOf(node).join(' '))} ;;`);
  const values = nodes.flatMap((node) =>
    node.options.flatMap((option) =>
      option.choices.length === 0
        ? []
        : option.flags.map(
            (flag) => `    ${quote([...node.path, flag].join(' '))}) words=${quote(option.choices.join(' '))} ;;`,
          ),
    ),
  );
  return `# bash completion for groundcrew
_groundcrew() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${pathCases(nodes)}
    esac
  done
  path=\${path# }
  case "$path\${path:+ }$prev" in
${[...new Set(values)].join('\n')}
  esac
  if [[ -z $words ]]; then
    case "$path" in
${cases.join('\n')}
    esac
    [[ $cur == -* ]] || [[ -z $cur ]] || compopt -o default 2>/dev/null
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _groundcrew groundcrew
`;
}

/** Goes one step down the tree for each word that names a command. */
const pathCases = (nodes: readonly Node[]): string =>
  nodes
    .filter((node) => node.path.length > 0)
    .map(
      (node) =>
        `      ${quote(` ${node.path.join(' ')}`.replace(/^ /, node.path.length === 1 ? ' ' : ' '))}) path=${quote(` ${node.path.join(' ')}`)} ;;`,
    )
    .join('\n');

const wordsOf = (node: Node): string[] => [
  ...node.commands.map(({ name }) => name),
  ...node.options.flatMap(({ flags }) => flags),
];

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
