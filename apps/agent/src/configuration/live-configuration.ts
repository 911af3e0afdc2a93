import { type Clock, ConfigError, type Logger } from '@groundcrew/kit';
import { decideReload } from '../decisions/index.ts';
import { readAgentConfiguration } from './read.ts';
import { type AgentConfiguration, HOT_KEYS } from './spec.ts';

/**
 * What came of a reload.
 * - `reloaded`: the new values of the hot keys are in force; perhaps nothing has changed.
 * - `refused`: the configuration has mistakes, all of them told; the previous one stays.
 * - `failed`: it is right, and could not be put in force.
 */
export type Reloaded =
  | { kind: 'reloaded'; changed: readonly string[]; restartNeeded: readonly string[] }
  | { kind: 'refused'; message: string }
  | { kind: 'failed'; message: string };

export interface LiveConfigurationOptions {
  /** The YAML file; without one the environment alone counts, and the files of secrets that it names. */
  path: string | undefined;
  env: NodeJS.ProcessEnv;
  clock: Clock;
  logger: Logger;
}

/** Called with what is in force from now on and the keys that changed. */
type ChangeListener = (current: AgentConfiguration, changed: ReadonlySet<string>) => void;

/** The configuration of an agent that runs: read at its start, and again whenever somebody asks for it. */
export function createLiveConfiguration(started: AgentConfiguration, options: LiveConfigurationOptions) {
  const { path, env, clock, logger } = options;
  const listeners: ChangeListener[] = [];
  const counts = { reloaded: 0, refused: 0 };
  let current = started;
  let revision = 1;
  let loadedAt = clock.now();
  let restartNeeded: readonly string[] = [];

  function put(next: AgentConfiguration): Reloaded {
    const choice = decideReload(current, next, (key) => HOT_KEYS.has(key));
    current = choice.configuration;
    restartNeeded = choice.restartNeeded;
    loadedAt = clock.now();
    counts.reloaded += 1;
    if (choice.changed.length > 0) {
      revision += 1;
      for (const listener of listeners) listener(current, new Set(choice.changed));
    }
    return { kind: 'reloaded', changed: choice.changed, restartNeeded };
  }

  function read(): Reloaded {
    try {
      return put(readAgentConfiguration(path, env));
    } catch (error) {
      counts.refused += 1;
      if (error instanceof ConfigError) return { kind: 'refused', message: error.message };
      return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }

  return {
    get current() {
      return current;
    },
    get revision() {
      return revision;
    },
    /** When it was last read without a mistake. */
    get loadedAt() {
      return loadedAt;
    },
    get restartNeeded() {
      return restartNeeded;
    },
    /** How often it was asked for, by what came of it. */
    counts: (): Readonly<typeof counts> => counts,
    onChange: (listener: ChangeListener): void => void listeners.push(listener),
    /** Reads it again. @param trigger who asked, for the log */
    reload(trigger: string): Reloaded {
      const outcome = read();
      if (outcome.kind !== 'reloaded')
        logger.error({ trigger }, `the configuration stays as it was: ${outcome.message}`);
      else if (outcome.changed.length + outcome.restartNeeded.length > 0)
        logger.info({ trigger, changed: outcome.changed, restart_needed: outcome.restartNeeded }, sentenceOf(outcome));
      else logger.debug({ trigger }, sentenceOf(outcome));
      return outcome;
    },
  };
}
export type LiveConfiguration = ReturnType<typeof createLiveConfiguration>;

/** What came of a reload, for people. */
export function sentenceOf(outcome: Reloaded): string {
  if (outcome.kind !== 'reloaded') return outcome.message;
  const { changed, restartNeeded } = outcome;
  const now = changed.length === 0 ? 'Nothing has changed that counts at once.' : `In force: ${changed.join(', ')}.`;
  return restartNeeded.length === 0 ? now : `${now} From the next start on: ${restartNeeded.join(', ')}.`;
}
