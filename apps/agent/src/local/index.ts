export type { LocalFacts } from './facts.ts';
export { type LocalSide, openLocalSide } from './local-side.ts';
