import { run } from '@groundcrew/kit';
import { parseVersionOutput } from '../tool.ts';

/**
 * The version that a program says it is.
 * @param timeoutMs it is killed after so long; 10 s when not given
 * @throws Error with a sentence when it cannot be run, does not end or answers something else.
 */
export async function probeVersion(path: string, timeoutMs = 10_000): Promise<string> {
  // `version` reads the CLI configuration, asks the publisher for news, and lists the providers of the folder it runs in.
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/nonexistent',
    TF_CLI_CONFIG_FILE: '/dev/null',
    CHECKPOINT_DISABLE: '1',
  };
  const result = await run([path, 'version', '-json'], { env, cwd: '/', timeoutMs, maxOutputBytes: 64_000 });
  if (result.killed)
    throw new Error(
      `"${path} version -json" did not end within ${timeoutMs / 1000} s; check whether it really is Terraform or OpenTofu.`,
    );
  if (result.code !== 0)
    throw new Error(
      `"${path} version -json" failed (${result.signal ?? `code ${result.code}`}): ${firstLine(result.stderr)}`,
    );
  try {
    return parseVersionOutput(result.stdout);
  } catch (error) {
    throw new Error(`${path} is not usable: ${(error as Error).message}.`);
  }
}

const firstLine = (text: string): string => text.trim().split('\n', 1)[0]?.slice(0, 200) || 'it said nothing.';
