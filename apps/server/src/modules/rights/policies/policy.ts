import type { Permission, Role } from '@groundcrew/protocol';

/** For each thing that can be done to one noun, the least role that may do it. Whoever stands higher may do it as well. */
export type Policy<Noun extends string> = Readonly<Record<Extract<Permission, `${Noun}:${string}`>, Role>>;
