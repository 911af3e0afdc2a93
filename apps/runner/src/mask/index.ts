export { cutDumps, type DumpPart } from './cut-dumps.ts';
export type { CreateCutter, Cut, Cutter, CutterState, CutView } from './cutter.ts';
export type { Secret, SecretSet } from './forms.ts';
export { maskText } from './mask-text.ts';
export { createMasker, type Masker, type MaskerOptions, type MaskPosition } from './masker.ts';
export { compilePatterns, type Patterns } from './patterns.ts';
