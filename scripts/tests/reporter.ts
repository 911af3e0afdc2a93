import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { formatDuration } from '@groundcrew/kit';
import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';
import { ROOT } from '../workspaces.ts';
import type { Counts } from './counts.ts';

/** Prints one line per test file as it ends, with the failures below it, and counts. */
export function createReporter(counts: Counts, print: (line: string) => void): Reporter {
  return {
    onTestModuleEnd(module) {
      const cases = [...module.children.allTests()];
      const failures = cases.filter((test) => test.result().state === 'failed');
      const broken = [module, ...module.children.allSuites()].flatMap((part) =>
        part.errors().map((error) => ({ part, error })),
      );
      counts.failed += failures.length + broken.length;
      counts.passed += cases.filter((test) => test.result().state === 'passed').length;
      counts.skipped += cases.filter((test) => test.result().state === 'skipped').length;
      print(describeModule(module, cases, failures.length + broken.length));
      for (const test of failures) print(describeFailure(test.fullName, test.result().errors ?? []));
      for (const { part, error } of broken) print(describeFailure(nameOf(part), [error]));
      for (const test of cases.filter(isSkipped)) print(`       skipped: ${test.fullName}${noteOf(test)}`);
    },
    onTestRunEnd(_modules, errors) {
      counts.failed += errors.length;
      if (errors.length > 0) print(describeFailure('outside of any test', errors));
    },
  };
}

function describeModule(module: TestModule, cases: readonly TestCase[], failed: number): string {
  const { duration } = module.diagnostic();
  const verdict = failed === 0 ? 'ok    ' : 'FAILED';
  return `${verdict} ${relative(ROOT, module.moduleId)} (${cases.length} tests, ${formatDuration(duration)})`;
}

const nameOf = (part: TestModule | TestSuite): string => (part.type === 'suite' ? part.fullName : 'the file itself');
const isSkipped = (test: TestCase): boolean => test.result().state === 'skipped';

function noteOf(test: TestCase): string {
  const result = test.result();
  return 'note' in result && result.note !== undefined ? ` (${result.note})` : '';
}

/** The test's name, each error with its difference, and the lines of ours it went through. */
function describeFailure(name: string, errors: readonly SerializedError[]): string {
  return [`       × ${name}`, ...errors.map((error) => describeError(error).replaceAll(/^/gm, '           '))].join(
    '\n',
  );
}

function describeError({ message, diff, stacks, stack }: SerializedError): string {
  const ours = (stacks ?? []).filter(({ file }) => !file.includes('node_modules')).slice(0, 5);
  const places = ours.map(({ file, line, column }) => `at ${relative(ROOT, file)}:${line}:${column}`);
  const where =
    places.length > 0
      ? places
      : (stack ?? '')
          .split('\n')
          .slice(1, 6)
          .map((line) => line.trim());
  return stripVTControlCharacters([message, ...(diff ? [diff] : []), ...where].join('\n'));
}
