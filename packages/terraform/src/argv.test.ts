import { describe, expect, it } from 'vitest';
import { applyArgs, initArgs, planArgs, showPlanArgs } from './argv.ts';

describe('arguments', () => {
  it('init keeps its hands off a foreign .terraform', () => {
    expect(initArgs()).toEqual(['init', '-input=false', '-reconfigure']);
    expect(initArgs({ upgrade: true })).toEqual(['init', '-input=false', '-reconfigure', '-upgrade']);
    expect(initArgs({ lockfileReadonly: true })).toContain('-lockfile=readonly');
    expect(() => initArgs({ upgrade: true, lockfileReadonly: true })).toThrow('choose one');
  });

  it('plan passes each address as one argument', () => {
    const args = planArgs({ planFile: 'p', targets: ['a.b["x y"]'], replace: ['-c.d'], parallelism: 5 });
    expect(args).toEqual(['plan', '-input=false', '-out=p', '-target=a.b["x y"]', '-replace=-c.d', '-parallelism=5']);
    expect(planArgs({ planFile: 'p', destroy: true })).toContain('-destroy');
    expect(planArgs({ planFile: 'p', refreshOnly: true, parallelism: null })).toEqual([
      'plan',
      '-input=false',
      '-out=p',
      '-refresh-only',
    ]);
    expect(() => planArgs({ planFile: 'p', destroy: true, refreshOnly: true })).toThrow('choose one');
  });

  it('apply takes a plan file and never approves by itself', () => {
    expect(applyArgs('p')).toEqual(['apply', '-input=false', 'p']);
    expect(applyArgs('p', 3)).toEqual(['apply', '-input=false', '-parallelism=3', 'p']);
    expect(() => applyArgs('-auto-approve')).toThrow('cannot be the name of a plan file');
    expect(() => applyArgs('')).toThrow('cannot be the name of a plan file');
    expect(() => applyArgs('p', 0)).toThrow('whole number');
    expect(showPlanArgs('p')).toEqual(['show', '-json', 'p']);
  });

  it('colours stay on', () => {
    for (const args of [initArgs(), planArgs({ planFile: 'p' }), applyArgs('p')])
      expect(args).not.toContain('-no-color');
  });
});
