import { resolve } from 'node:path';
import type { Command } from 'commander';
import { becomeProgram } from '../../become-program.ts';
import type { Cli } from '../../cli.ts';
import { createCommand, parseOffset } from '../../command.ts';
import { serverAudit } from './audit.ts';
import { serverEntry } from './entry.ts';
import { serverKeys } from './keys.ts';
import { serverOrg } from './org.ts';

interface ServerOptions {
  config?: string;
  home?: string;
  host?: string;
  port?: number;
}

export const server = (cli: Cli): Command =>
  createCommand('server', 'Start a server, configured by file, environment and flags', cli, [
    'server --home /var/lib/groundcrew',
    'server --config /etc/groundcrew/server.yaml',
  ])
    .option('--config <file>', 'YAML file')
    .option('--home <folder>', 'where it keeps what is its own')
    .option('--host <address>', 'address to listen on')
    .option('--port <n>', 'port to listen on; 0 takes a free one', parseOffset)
    .addHelpText(
      'after',
      '\nEvery setting can come from the environment as well (GROUNDCREW_LISTEN_PORT …). Secrets only from there or\nfrom files: DATABASE_URL or GROUNDCREW_DATABASE_URL_FILE name a PostgreSQL to use.',
    )
    .addCommand(serverOrg(cli))
    .addCommand(serverAudit(cli))
    .addCommand(serverKeys(cli))
    .action(({ config, home, host, port }: ServerOptions) => {
      const settings = {
        GROUNDCREW_HOME: home && resolve(cli.io.cwd, home),
        GROUNDCREW_LISTEN_HOST: host,
        GROUNDCREW_LISTEN_PORT: port,
      };
      becomeProgram(serverEntry(), { args: config === undefined ? [] : ['--config', config] }, cli.io.env, settings);
    });
