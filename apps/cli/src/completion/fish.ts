import type { Node } from './tree.ts';

/** A completion script for fish, with summaries. */
export function fishCompletion(nodes: readonly Node[]): string {
  const lines = nodes.flatMap((node) => [...commandLines(node), ...optionLines(node)]);
  return `# fish completion for groundcrew
function __groundcrew_at
    set -l words (commandline -opc | string match -v -- '-*')[2..-1]
    test "$words" = "$argv"; or string match -q -- "$argv *" "$words"
end
function __groundcrew_exactly
    set -l words (commandline -opc | string match -v -- '-*')[2..-1]
    test "$words" = "$argv"
end
${lines.join('\n')}
`;
}

const commandLines = ({ path, commands }: Node): string[] =>
  commands.map(
    ({ name, summary }) =>
      `complete -c groundcrew -f -n ${quote(`__groundcrew_exactly ${path.join(' ')}`.trim())} -a ${name} -d ${quote(summary)}`,
  );

function optionLines({ path, options }: Node): string[] {
  const condition = path.length === 0 ? '' : ` -n ${quote(`__groundcrew_at ${path.join(' ')}`)}`;
  return options.map(({ flags, summary, takesValue, choices }) => {
    const names = flags
      .map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
      .join(' ');
    const value = takesValue ? (choices.length === 0 ? ' -r' : ` -x -a ${quote(choices.join(' '))}`) : '';
    return `complete -c groundcrew${condition} ${names}${value} -d ${quote(summary)}`;
  });
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
