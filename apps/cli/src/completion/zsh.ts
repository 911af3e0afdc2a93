import type { Node } from './tree.ts';

/** A completion script for zsh, with summaries. */
export function zshCompletion(nodes: readonly Node[]): string {
  const cases = nodes.map(
    (node) => `    ${quote(node.path.join(' '))})\n      words=(${wordsOf(node).join(' ')})\n      ;;`,
  );
  const steps = nodes
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `      ${quote(` ${path.join(' ')}`)}) path_words=${quote(` ${path.join(' ')}`)} ;;`);
  return `#compdef groundcrew
# zsh completion for groundcrew
_groundcrew() {
  local path_words="" word
  local -a words
  local -a typed=("\${(@)\${(z)BUFFER}[2,CURRENT-1]}")
  for word in $typed; do
    case "$path_words $word" in
${steps.join('\n')}
    esac
  done
  case "\${path_words# }" in
${cases.join('\n')}
  esac
  _describe 'groundcrew' words || _files
}
compdef _groundcrew groundcrew
`;
}

/** \`name:summary\`, with colons in the name escaped. */
const wordsOf = (node: Node): string[] => [
  ...node.commands.map(({ name, summary }) => quote(`${name}:${summary}`)),
  ...node.options.flatMap(({ flags, summary }) => flags.map((flag) => quote(`${flag}:${summary}`))),
];

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
