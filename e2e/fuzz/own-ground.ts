import { newSecret } from '@groundcrew/kit';
import type { Known } from './known.ts';

/** What one call has for itself, in the place of what all have. */
export interface OwnGround {
  readonly known: Partial<Known>;
  readonly tokens?: Readonly<Record<string, string>>;
  /** A browser's credential in the place of a token. */
  readonly cookie?: string;
}

export const newName = (): string =>
  `f-${newSecret(9)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, 'x')}`;
