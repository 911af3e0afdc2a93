/** One thing wrong with a configuration. */
export interface ConfigMistake {
  /** Path of the key, `heartbeat.interval`. */
  key: string;
  /** Where it was found: `agent.yaml:12:5` or the name of an environment variable. */
  at?: string | undefined;
  /** What was found there; never the content of a secret. */
  found: string;
  /** What may stand there. */
  allowed: string;
}

/** Everything wrong with a configuration at once, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly mistakes: readonly ConfigMistake[];

  constructor(mistakes: readonly ConfigMistake[]) {
    const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`;
    super(`The configuration has ${count}:\n${mistakes.map((mistake) => `  ${formatMistake(mistake)}`).join('\n')}`);
    this.mistakes = mistakes;
  }
}

const formatMistake = ({ key, at, found, allowed }: ConfigMistake): string =>
  `${key}${at === undefined ? '' : ` (${at})`}: found ${found}; allowed is ${allowed}.`;
