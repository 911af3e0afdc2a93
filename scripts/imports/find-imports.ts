/** One import as written. */
export interface ImportSite {
  specifier: string;
  line: number;
}

/** `import … from '…'`, `export … from '…'`, `import '…'`, at the start of a line. */
const STATIC = /^[ \t]*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*(['"])([^'"\n]+)\1/gm;
/** `import('…')`, also in types. */
const DYNAMIC = /\bimport\(\s*(['"])([^'"\n]+)\1\s*\)/g;

/**
 * The imports of a TypeScript or JavaScript file. Found by pattern, which is enough for formatted sources; specifiers that are
 * put together at run time are not seen.
 */
export function findImports(source: string): ImportSite[] {
  return [...source.matchAll(STATIC), ...source.matchAll(DYNAMIC)]
    .map((match) => ({ specifier: match[2] ?? '', line: lineOf(source, match.index + match[0].search(/\S/)) }))
    .filter(({ specifier }) => !specifier.includes('${'))
    .sort((a, b) => a.line - b.line);
}

const lineOf = (source: string, index: number): number => source.slice(0, index).split('\n').length;
