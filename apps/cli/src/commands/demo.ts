import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@groundcrew/client';
import type { LogStreamInfo, StateVersion, Task, Tool } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { CliError, EXIT } from '../cli-error.ts';
import { createCommand } from '../command.ts';
import { followTask } from '../follow/follow-task.ts';
import { formatVerdict } from '../follow/verdict.ts';
import { awaitAgent } from '../local/await-agent.ts';
import { type DemoSummary, formatSummary } from '../local/demo-summary.ts';
import { findTool } from '../local/find-tool.ts';
import { homePaths, signInLocally } from '../local/home.ts';
import { createLead, type Lead } from '../local/lead.ts';
import { SAMPLE, startSample } from '../local/sample.ts';
import { startServer } from '../local/server-process.ts';
import { findStateVersion } from '../session/find-state-version.ts';

const LONGEST_MS = 90_000;

export const demo = (cli: Cli): Command =>
  createCommand('demo', 'See it work: everything on a throw-away folder, the sample applied, then cleaned up', cli, [
    'demo',
    'demo --json',
  ])
    .option('--keep', 'leave the folder, to look into it')
    .action(async ({ keep = false }: { keep?: boolean }) => {
      const { tool, path } = await findTool(cli.io.env);
      const home = await mkdtemp(join(tmpdir(), 'groundcrew-demo-'));
      const lead = createLead(cli);
      try {
        const summary = await run(cli, lead, home, tool, path);
        cli.print(summary, () => formatSummary(summary, cli.style));
      } finally {
        lead.status.close();
        if (keep) cli.note(`Everything is in ${home}.`);
        else await rm(home, { recursive: true, force: true });
      }
    });

async function run(cli: Cli, lead: Lead, home: string, tool: Tool, path: string): Promise<DemoSummary> {
  const start = cli.clock.now();
  lead.say(`Running ${path} through a server, a database and an agent of their own, in ${home}.`);
  const { result: server, ms: readyMs } = await lead.step(
    'starting the server and its database',
    () => startServer({ home, env: environment(cli.io.env), logFile: homePaths(home).serverLog }),
    ({ url }, took) => `Server ready at ${url} ${lead.style.dim('in')} ${took}`,
  );
  const limit = limitTime(cli);
  try {
    const { client } = await signInLocally(cli, home, server);
    await awaitAgent(cli, lead, client);
    const began = cli.clock.now();
    const task = await applySample(cli, lead, client, tool, AbortSignal.any([limit.signal, server.gone]));
    const taskMs = cli.clock.now() - began;
    const { items: logs } = await client.call('listLogStreams', { params: { task_id: task.id } });
    const state = await findStateVersion(client, SAMPLE, undefined);
    checkResult(task, logs, state);
    const { result: stopMs } = await lead.step(
      'stopping',
      () => timed(cli, () => server.stop()),
      (_, took) => `Stopped ${lead.style.dim('in')} ${took}`,
    );
    return {
      ok: true,
      tool: path,
      task,
      logs,
      state,
      timings: { readyMs, taskMs, stopMs, totalMs: cli.clock.now() - start },
    };
  } finally {
    limit.done();
    await server.stop();
  }
}

/** Nothing of the caller's own Groundcrew, and no database that the shell knows for another purpose. */
const environment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('GROUNDCREW_') && name !== 'DATABASE_URL'),
  ),
  GROUNDCREW_LISTEN_PORT: '0',
});

async function applySample(cli: Cli, lead: Lead, client: Client, tool: Tool, signal: AbortSignal): Promise<Task> {
  const { result: task } = await lead.step(
    `setting up the workspace ${SAMPLE}`,
    () => startSample(cli, client, tool),
    () => `Workspace ${SAMPLE} set up; applying it with ${tool}`,
  );
  if (task === undefined) throw new CliError('The sample of a new folder was applied already.', { code: 'demo' });
  const followed = await followTask(cli, client, { taskId: task.id, askApproval: false, onInterrupt: 'leave', signal });
  if (followed === 'detached')
    throw new CliError('Interrupted; everything is cleaned up.', { code: 'cancelled', exitCode: EXIT.cancelled });
  lead.say(formatVerdict(followed.task, lead.style));
  return followed.task;
}

/** Aborts when it takes too long. */
function limitTime({ clock }: Cli) {
  const limit = new AbortController();
  const done = new AbortController();
  const fail = () =>
    limit.abort(new CliError(`The sample was not applied within ${LONGEST_MS / 1000} s.`, { code: 'demo' }));
  clock.sleep(LONGEST_MS, done.signal).then(fail, () => {});
  return { signal: limit.signal, done: () => done.abort() };
}

/** The demonstration has shown something only if everything that was promised is there. */
function checkResult(task: Task, logs: readonly LogStreamInfo[], state: StateVersion): void {
  const wrong = (sentence: string) => new CliError(`The demonstration failed: ${sentence}`, { code: 'demo' });
  if (task.status !== 'applied')
    throw wrong(`the task ended as ${task.status}${task.reason ? `, because ${task.reason.message}` : '.'}`);
  if (!logs.some(({ phase, length, complete }) => phase === 'apply' && length > 0 && complete))
    throw wrong('the log of the apply is not complete.');
  if (state.resource_count === 0) throw wrong('the state holds no resources.');
}

async function timed(cli: Cli, run: () => Promise<void>): Promise<number> {
  const start = cli.clock.now();
  await run();
  return cli.clock.now() - start;
}
