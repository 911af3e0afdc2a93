import type { Patterns, Secret } from '../mask/index.ts';
import { compilePatterns } from '../mask/index.ts';
import type { MaskedReader } from './masked-reader.ts';
import type { Source } from './source.ts';
import type { JournalFile, SpoolJournal } from './spool-journal.ts';

type Sets = SpoolJournal['sets'];

/** The sets, and what none of them holds yet, from `fromOffset` on. */
function withSecrets(sets: Sets, secrets: readonly Secret[], fromOffset: number): Sets {
  const known = new Set(sets.flatMap((set) => set.secrets.map(({ value }) => value)));
  const added = secrets.filter(({ value }) => !known.has(value)).map(({ name, value }) => ({ name, value }));
  return added.length === 0 ? sets : [...sets, { fromOffset, secrets: added }];
}

/**
 * Writes down what the stream starts with. What a predecessor masked with counts as it is, or the bytes would differ
 * from those it sent; what it did not know holds from `fixedOffset` on. `isDurable`: whether there is a use for the stream when
 * the machine has died.
 */
export async function keepSecrets(
  journal: JournalFile,
  secrets: readonly Secret[],
  fixedOffset: number,
  isDurable: boolean,
): Promise<void> {
  const sets = withSecrets(journal.value.sets, secrets, fixedOffset);
  if (journal.isNew || sets !== journal.value.sets) await journal.change(() => ({ sets }), isDurable);
}

export interface LearnerOptions {
  readonly journal: JournalFile;
  readonly reader: Pick<MaskedReader, 'fixedOffset' | 'adopt'>;
  readonly source: Pick<Source, 'exclusively'>;
  readonly patterns: Patterns;
}

/** Secrets that become known on the way. */
export interface Learner {
  addSecrets(secrets: readonly Secret[]): Promise<void>;
  patterns(): Patterns;
}

export function createLearner({ journal, reader, source, ...first }: LearnerOptions): Learner {
  let { patterns } = first;
  let { sets } = journal.value;

  /** The journal comes first: a successor must know them if a byte was masked with them. */
  async function learn(secrets: readonly Secret[]): Promise<void> {
    const more = withSecrets(sets, secrets, reader.fixedOffset());
    if (more === sets) return;
    sets = more;
    try {
      await journal.change(() => ({ sets }));
    } finally {
      // On a full disk too: better a checksum that does not fit than a secret that is shown.
      patterns = compilePatterns(sets);
      reader.adopt(patterns);
    }
  }

  return {
    addSecrets: (secrets) => source.exclusively(() => learn(secrets)),
    patterns: () => patterns,
  };
}
