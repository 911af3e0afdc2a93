import { createLab, type Lab } from '../harness/index.ts';
import { runGeneral } from './general.ts';
import { type GeneralOptions, HELP, type Options, parseOptions, type ScenarioOptions } from './options.ts';
import { formatReport } from './report.ts';
import { formatFigures, SCENARIOS } from './scenarios/index.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** True when nothing was found that must not be. */
async function runFaultsAndCompare(lab: Lab, options: GeneralOptions): Promise<boolean> {
  const report = await runGeneral({ ...options, lab, say });
  console.log(options.json ? JSON.stringify(report) : formatReport(report));
  return report.violations.length === 0;
}

async function runScenario(lab: Lab, { name, cutMinutes, json }: ScenarioOptions): Promise<boolean> {
  const figures = (await SCENARIOS[name]?.run({ lab, cutMinutes, say })) ?? [];
  const met = figures.filter((figure) => figure.met).length;
  const line = `chaos scenario ${name}: ${met} of ${figures.length} figures met`;
  console.log(json ? JSON.stringify({ scenario: name, figures }) : `${formatFigures(figures)}\n\n${line}`);
  return met === figures.length && met > 0;
}

/** The first Ctrl-C ends what was started, one after the other; the second one kills it. */
function listenForSignals(lab: Lab): void {
  let asked = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (asked) process.exit(130);
      asked = true;
      say('ending what was started');
      void lab.close().finally(() => process.exit(130));
    });
}

async function run(options: Exclude<Options, { kind: 'help' }>): Promise<void> {
  const lab = await createLab();
  listenForSignals(lab);
  try {
    const isFine = options.kind === 'scenario' ? runScenario(lab, options) : runFaultsAndCompare(lab, options);
    process.exitCode = (await isFine) ? 0 : 1;
  } finally {
    await lab.close();
  }
}

const options = parseOptions(process.argv.slice(2));
if (options.kind === 'help') console.log(HELP);
else await run(options);
// Node has been seen to wait at its natural end, for ever and at full speed, for the handle of a connection that was cut to close.
process.exit();
