import { relative, resolve } from 'node:path';
import { type Client, isLoopback } from '@groundcrew/client';
import type { Tool } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { EXIT } from '../cli-error.ts';
import { createCommand, parseOffset } from '../command.ts';
import { followTask } from '../follow/follow-task.ts';
import { listenForInterrupts } from '../follow/interrupts.ts';
import { formatVerdict } from '../follow/verdict.ts';
import { awaitAgent } from '../local/await-agent.ts';
import { findTool } from '../local/find-tool.ts';
import { findRunning, homePaths, makeHome, type SignedIn, signInLocally } from '../local/home.ts';
import { keepWatch } from '../local/keep-watch.ts';
import { createLead, type Lead } from '../local/lead.ts';
import { SAMPLE, startSample } from '../local/sample.ts';
import { type ServerProcess, startServer } from '../local/server-process.ts';
import { formatWhatNow } from '../local/what-now.ts';
import { homeFolder, readProfile, writeProfile } from '../session/profile.ts';

interface UpOptions {
  home?: string;
  port?: number;
  sample: boolean;
}

export const up = (cli: Cli): Command =>
  createCommand('up', 'Start everything here: server, database, agent, a sample; stay up until Ctrl-C', cli, [
    'up',
    'up --home /var/lib/groundcrew --port 9000',
  ])
    .option('--home <folder>', 'where everything is kept (default: $GROUNDCREW_HOME, else .groundcrew)')
    .option('--port <n>', 'port to listen on; 0 takes a free one at the first start (default: 8400)', parseOffset)
    .option('--no-sample', 'do without the sample workspace')
    .addHelpText(
      'after',
      '\nA second start goes on with the same data. It brings its own PostgreSQL and ignores DATABASE_URL;\n"server" uses that one.',
    )
    .action(async (options: UpOptions) => {
      const home = resolve(cli.io.cwd, options.home ?? homeFolder(cli.io));
      const { tool } = await findTool(cli.io.env);
      await makeHome(home);
      const running = await findRunning(cli, home);
      if (running !== undefined)
        return cli.note(`Groundcrew already runs on ${home}, at ${running.url}. It stops with: kill ${running.pid}`);
      const lead = createLead(cli);
      const { result: server } = await lead.step(
        'starting the server and its database',
        async () =>
          startServer({ home, env: await environment(cli, home, options), logFile: homePaths(home).serverLog }),
        ({ url }, took) => `Server ready at ${lead.style.bold(url)} ${lead.style.dim('in')} ${took}`,
      );
      await stayUp(cli, lead, server, async () => {
        const signedIn = await signInLocally(cli, home, server);
        const wanted = options.sample && !signedIn.profile.sample_done;
        await awaitAgent(cli, lead, signedIn.client);
        if (wanted && (await runSample(cli, lead, { home, tool, signedIn, gone: server.gone })) === 'leave')
          return undefined;
        lead.say(
          formatWhatNow({
            cli,
            style: lead.style,
            url: server.url,
            home: relative(cli.io.cwd, home) || '.',
            sample: options.sample ? SAMPLE : undefined,
          }),
        );
        return signedIn.client;
      });
    });

/** The server's environment: ours, but never a database that the shell knows for another purpose. */
async function environment(cli: Cli, home: string, options: UpOptions): Promise<NodeJS.ProcessEnv> {
  const { DATABASE_URL: _, ...env } = cli.io.env;
  const profile = await readProfile(homePaths(home).profile);
  const port = choosePort(options.port, profile?.url);
  return {
    ...env,
    ...(port === undefined ? {} : { GROUNDCREW_LISTEN_PORT: port }),
    // Whoever may read this folder may use its server: a lost profile locks nobody out.
    ...(profile === undefined ? { GROUNDCREW_SIGN_IN_TOKEN: 'always' } : {}),
  };
}

/** The port of earlier starts unless another one was named: what still runs from then knows the server by it. */
function choosePort(asked: number | undefined, earlierUrl: string | undefined): string | undefined {
  const earlier = earlierUrl === undefined ? undefined : new URL(earlierUrl);
  return asked || earlier === undefined || !isLoopback(earlier.hostname) ? asked?.toString() : earlier.port;
}

interface SampleRun {
  home: string;
  tool: Tool;
  signedIn: SignedIn;
  /** Aborts when the server is gone. */
  gone: AbortSignal;
}

/** Applies the sample for the first time, before the eyes of whoever started it. */
async function runSample(cli: Cli, lead: Lead, { home, tool, signedIn, gone }: SampleRun): Promise<'stay' | 'leave'> {
  const { client, profile } = signedIn;
  const { result: task } = await lead.step(
    `setting up the workspace ${SAMPLE}`,
    () => startSample(cli, client, tool),
    () => `Workspace ${lead.style.bold(SAMPLE)} set up; applying it with ${tool}`,
  );
  await writeProfile(homePaths(home).profile, { ...profile, sample_done: true });
  if (task === undefined) return 'stay';
  const followed = await followTask(cli, client, {
    taskId: task.id,
    askApproval: false,
    onInterrupt: 'leave',
    signal: gone,
  });
  if (followed === 'detached') return 'leave';
  lead.say(formatVerdict(followed.task, lead.style));
  return 'stay';
}

/** Keeps the server until Ctrl-C, or until it dies. Only if we are killed outright it goes on; the next start then says so. */
async function stayUp(
  cli: Cli,
  lead: Lead,
  server: ServerProcess,
  begin: () => Promise<Client | undefined>,
): Promise<void> {
  const interrupts = listenForInterrupts(cli.io);
  try {
    const client = await begin();
    const reason =
      client === undefined
        ? 'interrupted'
        : await keepWatch(client, lead.status, {
            interrupted: interrupts.next(),
            exited: server.exited,
            clock: cli.clock,
          });
    if (reason !== 'interrupted') {
      lead.say(lead.style.red(`The server is gone: ${reason}. Its log says why; start again to go on.`));
      cli.exitWith(EXIT.failed);
    }
  } finally {
    interrupts.close();
    lead.status.set(() => 'stopping; what runs goes on and is picked up at the next start');
    await server.stop();
    lead.status.close();
  }
}
