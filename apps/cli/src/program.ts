import { type Argument, Command } from 'commander';
import type { Cli } from './cli.ts';
import { agent } from './commands/agent/index.ts';
import { apply } from './commands/apply.ts';
import { audit } from './commands/audit/index.ts';
import { client } from './commands/client/index.ts';
import { completion } from './commands/completion.ts';
import { demo } from './commands/demo.ts';
import { grant } from './commands/grant/index.ts';
import { login } from './commands/login.ts';
import { logout } from './commands/logout.ts';
import { plan } from './commands/plan.ts';
import { pool } from './commands/pool/index.ts';
import { push } from './commands/push.ts';
import { queue } from './commands/queue.ts';
import { server } from './commands/server/index.ts';
import { session } from './commands/session/index.ts';
import { state } from './commands/state/index.ts';
import { task } from './commands/task/index.ts';
import { token } from './commands/token/index.ts';
import { up } from './commands/up.ts';
import { user } from './commands/user/index.ts';
import { variable } from './commands/var/index.ts';
import { whoami } from './commands/whoami.ts';
import { workspace } from './commands/workspace/index.ts';
import { VERSION } from './version.ts';

/** Every command, in the order in which somebody new needs them. */
const GROUPS: readonly (readonly [heading: string, commands: readonly ((cli: Cli) => Command)[]])[] = [
  ['Start here:', [up, demo]],
  ['Work:', [plan, apply, push, task, queue]],
  ['What is kept:', [workspace, variable, state]],
  ['Who and where:', [login, logout, whoami, user, grant, token, session, client, agent, pool, audit, server]],
  ['Shell:', [completion]],
];

const EPILOGUE = `
Where the server is and who you are comes from --url, else GROUNDCREW_URL and GROUNDCREW_TOKEN, else from what "up" or
"login" have kept. Exit codes: 0 well, 1 failed, 2 wrongly typed (or changes, with --detailed-exitcode), 130 cancelled.`;

/** The command with everything below it. */
export function createProgram(cli: Cli): Command {
  const program = new Command('groundcrew')
    .description('Runs Terraform and OpenTofu: asked for, queued, run by an agent, logged, kept.')
    .version(VERSION, '-V, --version', 'print the version')
    .option('--json', 'machine-readable output')
    .option('--url <url>', 'the server to talk to')
    .option('--ca-file <file>', 'PEM file of certificate authorities to trust')
    .option('--allow-insecure', 'speak plain http to another host')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', EPILOGUE)
    .showSuggestionAfterError();
  for (const [heading, commands] of GROUPS) {
    program.commandsGroup(heading);
    for (const make of commands) program.addCommand(make(cli));
  }
  configure(program, cli);
  cli.attach(program);
  return program;
}

/** Commands by their names alone: what they take is in their own help. */
const HELP = {
  showGlobalOptions: true,
  subcommandTerm: (command: Command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
  visibleCommands: (command: Command) => command.commands.filter((child) => child.name() !== 'help'),
} as const;

const argumentTerm = (argument: Argument): string =>
  argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;

/** Output through our own channels, errors thrown instead of exits; for every command of the tree, since they do not inherit it. */
function configure(command: Command, cli: Cli): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => cli.io.stdout.write(text),
      writeErr: (text) => cli.io.stderr.write(text),
      outputError: () => {},
    })
    .configureHelp(HELP);
  for (const child of command.commands) configure(child, cli);
}
