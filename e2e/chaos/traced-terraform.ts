import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptId, Phase } from '@groundcrew/protocol';
import { findTerraform } from '../harness/index.ts';

/** What Terraform itself wrote into one log, secrets included. */
export interface RawLog {
  readonly attemptId: AttemptId;
  readonly phase: Phase;
  readonly bytes: Buffer;
}

/** A program named terraform that leaves a trace of what the real one writes, which it becomes. */
export interface TracedTerraform {
  /** Folder to put first on a PATH. */
  readonly folder: string;
  /** The traces of all that was run with it. */
  listRawLogs(): RawLog[];
}

/**
 * The trace is a second name for the file that Terraform writes to, made before Terraform runs: it stays when the attempt's
 * folder is removed, and nothing on the way from Terraform to the server ever sees it. The shell turns into Terraform by exec, so
 * that process, parent and signals are what they are without it.
 *
 * @param folder on the same disk as the attempts' folders, which second names need
 */
export function createTracedTerraform(folder: string): TracedTerraform {
  const traces = join(folder, 'traces');
  mkdirSync(traces, { recursive: true, mode: 0o700 });
  const path = join(folder, 'terraform');
  const script = `#!/bin/sh
output=$(readlink "/proc/$$/fd/1")
case "$output" in
*/raw-plan | */raw-apply)
  attempt=$(sed -n 's/.*"attempt_id":"\\([^"]*\\)".*/\\1/p' "\${output%/*}/task.json" 2>/dev/null)
  [ -z "$attempt" ] || [ -e "${traces}/$attempt.\${output##*/raw-}" ] || ln "$output" "${traces}/$attempt.\${output##*/raw-}" 2>/dev/null
  ;;
esac
exec ${findTerraform()} "$@"
`;
  // A shell that reads its script while it is written fails with "text file busy".
  writeFileSync(`${path}.new`, script);
  chmodSync(`${path}.new`, 0o755);
  renameSync(`${path}.new`, path);
  return {
    folder,
    listRawLogs: () =>
      readdirSync(traces).flatMap((name) => {
        const [attemptId, phase] = name.split('.') as [AttemptId, Phase];
        return [{ attemptId, phase, bytes: readFileSync(join(traces, name)) }];
      }),
  };
}
