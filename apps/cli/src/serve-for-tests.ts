import { onTestFinished } from 'vitest';
import { type FakeControlPlane, type FakeHandlers, startFakeControlPlane } from './fake-control-plane-for-tests.ts';
import { makeFolder, type Ran, type RunOptions, run } from './run-for-tests.ts';

/** A control plane for the length of one test, and the command that is signed in to it. */
export async function serve(
  handlers: FakeHandlers,
): Promise<{ plane: FakeControlPlane; cli: (argv: string[], more?: RunOptions) => Promise<Ran> }> {
  const plane = await startFakeControlPlane({ handlers });
  onTestFinished(plane.close);
  return { plane, cli: (argv, more = {}) => run(argv, { url: plane.url, ...more }) };
}

/** A folder for the length of one test. */
export function folder(): string {
  const { path, remove } = makeFolder();
  onTestFinished(remove);
  return path;
}
