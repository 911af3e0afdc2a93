import type { Cli } from '../cli.ts';
import type { Style } from '../terminal/style.ts';
import { formatFields } from '../terminal/table.ts';

export interface WhatNow {
  cli: Cli;
  style: Style;
  url: string;
  /** As the user would type it. */
  home: string;
  /** The sample workspace, if there is one. */
  sample: string | undefined;
}

/** Where things are, and what to type next. */
export function formatWhatNow({ cli: { name }, style, url, home, sample }: WhatNow): string {
  const where = formatFields(
    [
      ['Server', url],
      ['API', `${url}/api/docs`],
      ['Data', `${home} (database, state, logs; safe to stop at any time)`],
      ['Log', `${home}/logs/server.log`],
    ],
    style,
  );
  const commands = [...(sample === undefined ? [] : sampleCommands(sample)), ...ownCommands].map(
    ([command, what]) => [`${name} ${command}`, what] as const,
  );
  const width = Math.max(...commands.map(([command]) => command.length));
  const next = commands.map(([command, what]) => `  ${style.cyan(command.padEnd(width))}  ${style.dim(what)}`);
  return ['', where, '', 'Next, in another terminal:', ...next, ''].join('\n');
}

const sampleCommands = (sample: string) =>
  [
    [`task list`, 'what has been done'],
    [`var set ${sample} name=Ada`, 'change something …'],
    [`apply ${sample}`, '… see the plan, approve it, watch it'],
  ] as const;

const ownCommands = [
  ['workspace create mine', 'a workspace of your own'],
  ['apply mine --dir <folder>', 'plan and apply your Terraform folder in it'],
] as const;
