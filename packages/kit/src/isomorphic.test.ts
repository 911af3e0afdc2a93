import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Everything that a file of this folder imports, through its imports too. */
function importsOf(file: string, seen = new Set<string>()): Set<string> {
  const source = readFileSync(new URL(file, import.meta.url), 'utf8');
  for (const [, specifier = ''] of source.matchAll(/from '([^']+)'/g)) {
    if (seen.has(specifier)) continue;
    seen.add(specifier);
    if (specifier.startsWith('.')) importsOf(specifier, seen);
  }
  return seen;
}

test('the isomorphic entry needs neither Node nor npm', () => {
  const imports = [...importsOf('./isomorphic.ts')];
  expect(imports).toContain('./clock.ts');
  expect(imports.filter((specifier) => !specifier.startsWith('./'))).toEqual([]);
  for (const file of imports) {
    const source = readFileSync(new URL(file, import.meta.url), 'utf8');
    expect(source, file).not.toMatch(/\b(Buffer|process|setImmediate|require)\b[.(]/);
  }
});
