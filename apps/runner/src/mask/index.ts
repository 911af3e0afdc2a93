export { cutDumps } from './cut-dumps.ts';
export type { CreateCutter } from './cutter.ts';
export type { Secret } from './forms.ts';
export { maskText } from './mask-text.ts';
export { createMasker, type Masker } from './masker.ts';
export { compilePatterns, type Patterns } from './patterns.ts';
