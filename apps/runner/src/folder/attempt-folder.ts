import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '@groundcrew/kit';
import { ATTEMPT_FOLDER, type Phase } from '@groundcrew/protocol';

/** Every path inside an attempt's folder. The folder is the runner's whole memory: whoever holds its `lock` is the attempt's runner. */
export interface AttemptFolder {
  root: string;
  /** What the runner was born with, see `RunnerBirth`. */
  birth: string;
  /** What makes it an attempt's folder, see `RunnerTask`. */
  task: string;
  /** The attempt's own credential. */
  secret: string;
  /** What has been done so far, see the journal. */
  journal: string;
  /** Held by the runner. */
  lock: string;
  /** Held by whatever of Terraform still runs. */
  alive: string;
  socket: string;
  log: string;
  /** Terraform's output as it comes, secrets included; never leaves the host. */
  raw: Record<Phase, string>;
  /** Where the log's spool keeps its place. */
  spool: string;
  /** Room on the disk for state and exit record, kept from the log. */
  reserve: string;
  /** States that Terraform wrote. */
  state: string;
  /** What the server gave for the attempt, secrets included. */
  data: string;
  /** The configuration, unpacked. */
  work: string;
  /** What `providers` said. */
  providers: string;
  /** Terraform's plan file, out of the configuration's reach. */
  plan: string;
  /** The plan as JSON, secrets included. */
  planJson: string;
  /** What is sent as the stored plan: plan file and lock file. */
  planBundle: string;
  cliConfig: string;
  /** Terraform's home folder: empty, so that nothing of the host's user counts. */
  home: string;
  tmp: string;
}

/** The paths of the attempt's folder at `root`; makes nothing. */
export function attemptFolder(root: string): AttemptFolder {
  const at = (name: string) => join(root, name);
  return {
    root,
    birth: at(ATTEMPT_FOLDER.birth),
    task: at(ATTEMPT_FOLDER.task),
    secret: at(ATTEMPT_FOLDER.secret),
    journal: at(ATTEMPT_FOLDER.journal),
    lock: at(ATTEMPT_FOLDER.lock),
    alive: at(ATTEMPT_FOLDER.alive),
    socket: at(ATTEMPT_FOLDER.socket),
    log: at(ATTEMPT_FOLDER.log),
    raw: { plan: at('raw-plan'), apply: at('raw-apply') },
    spool: at('spool'),
    reserve: at('reserve'),
    state: at(ATTEMPT_FOLDER.state),
    data: at(ATTEMPT_FOLDER.data),
    work: at('work'),
    providers: at('providers.txt'),
    plan: at('plan.tfplan'),
    planJson: at('plan.json'),
    planBundle: at('plan.tar'),
    cliConfig: at('terraform.rc'),
    home: at('tf-home'),
    tmp: at('tmp'),
  };
}

/**
 * Makes the folders inside, for the runner's user alone. The names are on disk once this resolves, so that whatever is
 * written into them durably can be found again after a power cut; the folder's own name was made lasting by the agent.
 */
export async function createFolders(folder: AttemptFolder): Promise<void> {
  const inside = [folder.journal, folder.spool, folder.state, folder.work, folder.home, folder.tmp];
  for (const path of inside) await mkdir(path, { recursive: true, mode: 0o700 });
  await syncFolder(folder.root);
}
