import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LEAN_NODE } from '@groundcrew/kit';
import { type Command, Option } from 'commander';
import { becomeProgram } from '../../become-program.ts';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { agentCreate } from './create.ts';
import { agentDelete } from './delete.ts';
import { agentDrain } from './drain.ts';
import { agentList } from './list.ts';
import { agentResume } from './resume.ts';
import { agentShow } from './show.ts';
import { agentToken } from './token.ts';
import { agentUpdate } from './update.ts';

interface AgentOptions {
  config?: string;
  name?: string;
  serverUrl?: string;
  tokenFile?: string;
  workDir?: string;
  mode?: string;
  replace?: boolean;
}

/** Without a further word it starts an agent; with one it tells about agents. */
export const agent = (cli: Cli): Command =>
  createCommand('agent', 'Start an agent on this host; or list, show, drain, create, update, delete agents', cli, [
    'agent --config /etc/groundcrew/agent.yaml',
    'agent --server-url https://groundcrew.example.com --token-file agent.token --work-dir /var/lib/groundcrew/work',
    'agent list',
  ])
    .option('--config <file>', 'YAML file')
    .option('--name <name>', 'name that people see')
    .option('--server-url <url>', 'where the server is')
    .option('--token-file <file>', 'file with its token (agt_… or apt_…)')
    .option('--work-dir <folder>', 'where tasks run')
    .addOption(new Option('--mode <mode>', 'how work comes to it').choices(['auto', 'push', 'pull']))
    .option('--replace', 'take over from the agent that works in the folder; what runs goes on')
    .addCommand(agentList(cli))
    .addCommand(agentShow(cli))
    .addCommand(agentDrain(cli))
    .addCommand(agentResume(cli))
    .addCommand(agentCreate(cli))
    .addCommand(agentUpdate(cli))
    .addCommand(agentDelete(cli))
    .addCommand(agentToken(cli))
    .action((options: AgentOptions) => {
      const entry = fileURLToPath(new URL('../../../../agent/src/main.ts', import.meta.url));
      const path = (given: string | undefined) => given && resolve(cli.io.cwd, given);
      const args = [
        ...(options.config === undefined ? [] : [options.config]),
        ...(options.replace ? ['--replace'] : []),
      ];
      becomeProgram(entry, { args, flags: LEAN_NODE.agentFlags }, cli.io.env, {
        ...LEAN_NODE.env,
        GROUNDCREW_AGENT_NAME: options.name,
        GROUNDCREW_AGENT_SERVER_URL: options.serverUrl,
        GROUNDCREW_AGENT_TOKEN_FILE: path(options.tokenFile),
        GROUNDCREW_AGENT_MODE: options.mode,
        GROUNDCREW_RESOURCES_WORKSPACE_DIR: path(options.workDir),
        GROUNDCREW_AGENT_CA_FILE: path(cli.flags.caFile),
        GROUNDCREW_AGENT_ALLOW_INSECURE: cli.flags.allowInsecure ? 'true' : undefined,
      });
    });
