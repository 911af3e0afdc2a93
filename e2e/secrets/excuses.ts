import type { Finding } from './finder.ts';

/** A place where a secret has to be. */
export interface Excuse {
  /** The whole of a place's name. */
  place: RegExp;
  canaries: readonly string[];
  /** Why it has to be there, and who can get at it. */
  reason: string;
  /** Whether it is found there depends on the moment. */
  sometimes?: true;
}

/** What no excuse covers, and the excuses that nothing needed: an excuse that is no longer needed is a hole. */
export function excuse(found: readonly Finding[], excuses: readonly Excuse[]): { leaks: string[]; unused: string[] } {
  const covers = ({ place, canaries }: Excuse, finding: Finding): boolean =>
    place.test(finding.place) && canaries.includes(finding.canary);
  const leaks = found.filter((finding) => !excuses.some((each) => covers(each, finding)));
  return {
    leaks: [...new Set(leaks.map(({ canary, place }) => `${canary} in ${place}`))],
    unused: excuses
      .filter((each) => !each.sometimes && !found.some((finding) => covers(each, finding)))
      .map(({ place, reason }) => `${place}: ${reason}`),
  };
}

/** What the servers and agents keep for themselves, at any time. */
const OWN_FILES: readonly Excuse[] = [
  {
    place: /^server\/master\.key$/,
    canaries: ['master key'],
    reason:
      'The key above all others, made by the server for itself; give it in GROUNDCREW_MASTER_KEY_FILE to keep it elsewhere.',
  },
  {
    place: /^server\/postgres\/data\/groundcrew_password$/,
    canaries: ['database password'],
    reason: 'Opens the embedded database, which listens on a socket in the same home, to the server after a restart.',
  },
  { place: /^server\/agent\/token$/, canaries: ['a token'], reason: "The built-in agent's own token." },
  {
    place: /^agent\.yaml$/,
    canaries: ['pool token', 'a token'],
    reason: "The agent's configuration, written by an operator.",
  },
];

export const EXCUSES_AFTER: readonly Excuse[] = [
  {
    place: /^answer of downloadState(Version)?$/,
    canaries: ['secret', 'derived'],
    reason: 'The state as Terraform wrote it, for who has the right to read states.',
  },
  ...OWN_FILES,
];

/** No process has any secret in its arguments. */
export const EXCUSES_FOR_PROCESSES: readonly Excuse[] = [
  {
    place: /^environment of terraform$/,
    canaries: ['env', 'provider', 'relay password'],
    reason:
      'Variables of category env are what Terraform gets as its environment, which only its own user and root can read; the relay password opens the state of this attempt on loopback while it runs.',
  },
  {
    place: /^environment of a child of terraform \(.+\)$/,
    canaries: ['env', 'provider', 'relay password'],
    reason: 'Terraform hands its environment to providers and provisioners.',
  },
  {
    place: /^environment of a child of terraform \(.+\)$/,
    canaries: ['secret', 'nested', 'note', 'derived'],
    reason: 'The configuration of this test itself names them in the environment of its provisioners.',
  },
];

const VARIABLES = ['secret', 'nested', 'note', 'env', 'provider'];
const OWN_CREDENTIALS = ['attempt secret', 'relay password'];

/** While an attempt runs, in its folder, which belongs to its user alone (0700) and is removed when all is delivered. */
export const EXCUSES_FOR_FILES: readonly Excuse[] = [
  {
    place: /^agent\/a\/attempt\/data\.json$/,
    canaries: VARIABLES,
    reason: 'What the server gave for the attempt: a successor of the runner needs it, with the server away as well.',
  },
  {
    place: /^agent\/a\/attempt\/work\/zzzz_groundcrew(_hcl)?\.auto\.tfvars(\.json)?$/,
    canaries: ['secret', 'nested', 'note'],
    reason: 'How Terraform gets the values of variables: in a file, where no process list shows them.',
  },
  {
    place: /^agent\/a\/attempt\/journal\/(init|plan|show|apply)\.order$/,
    canaries: ['env', 'provider', 'relay password'],
    reason: "Terraform's environment, on its way to the launcher.",
  },
  {
    place: /^agent\/a\/attempt\/plan\.json$/,
    canaries: ['secret', 'nested', 'note', 'derived'],
    reason:
      'The plan as Terraform shows it, of which only a redacted copy leaves the host; the plan file holds the same.',
  },
  {
    place: /^agent\/a\/attempt\/raw-(plan|apply)$/,
    canaries: [...VARIABLES, 'derived'],
    reason: 'What Terraform printed, before it is masked; parts that the server has are punched out.',
    sometimes: true,
  },
  {
    place: /^agent\/a\/attempt\/spool\/(plan|apply)\/journal\.json$/,
    canaries: [...VARIABLES, ...OWN_CREDENTIALS, 'derived'],
    reason: 'What has to be masked, so that a successor of the runner masks the same.',
  },
  {
    place: /^agent\/a\/attempt\/secret$/,
    canaries: ['attempt secret'],
    reason: "The attempt's own credential, of which the server has only the hash.",
  },
  {
    place: /^agent\/a\/attempt\/state\//,
    canaries: ['secret', 'derived'],
    reason: 'The newest state that Terraform wrote, until the server has it.',
    sometimes: true,
  },
  ...OWN_FILES,
];
