import type { Administration } from './open-administration.ts';

/** The result of a command: for machines, and in a person's words. */
interface Outcome {
  value: unknown;
  text: string;
}

interface CommandOptions {
  before?: string | undefined;
  reason?: string | undefined;
}

/** @param name what stands behind the command's words */
export type AdministrationCommand = (open: Administration, name: string, options: CommandOptions) => Promise<Outcome>;
