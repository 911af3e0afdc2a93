import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readExit } from './exit.ts';
import { judgeApply, judgePlan } from './verdict.ts';

const plan = {
  tool: 'terraform',
  code: 0,
  signal: null,
  cancelAsked: false,
  planFileExists: true,
  showParsed: true,
} as const;
const apply = {
  tool: 'terraform',
  code: 0,
  signal: null,
  cancelAsked: false,
  started: true,
  forcedExit: false,
} as const;

describe('readExit', () => {
  it('tells codes from signals', () => {
    expect(readExit(0)).toEqual({ code: 0, signal: null });
    expect(readExit(128)).toEqual({ code: 128, signal: null });
    expect(readExit(130)).toEqual({ code: null, signal: 'SIGINT' });
    expect(readExit(137)).toEqual({ code: null, signal: 'SIGKILL' });
    expect(readExit(141)).toEqual({ code: null, signal: 'SIGPIPE' });
    expect(readExit(192)).toEqual({ code: null, signal: 'SIG64' });
  });
  it('refuses what is no exit status', () => {
    for (const value of [-1, 256, 1.5, Number.NaN]) expect(() => readExit(value)).toThrow('no exit status');
  });
});

describe('judgePlan', () => {
  it.each([
    ['a plan without or with changes', {}, 'planned'],
    ['-detailed-exitcode with changes', { code: 2 }, 'planned'],
    ['a crash with code 2', { code: 2, planFileExists: false, showParsed: false }, 'failed'],
    ['code 2 and an unreadable file', { code: 2, showParsed: false }, 'failed'],
    ['code 0 without a file', { planFileExists: false, showParsed: false }, 'failed'],
    ['an error', { code: 1, planFileExists: false, showParsed: false }, 'failed'],
    ['an error with a partial plan file', { code: 1 }, 'failed'],
    ['a cancel that came too late for Terraform', { cancelAsked: true }, 'cancelled'],
    ['a kill', { code: null, signal: 'SIGKILL' }, 'failed'],
    ['a kill after a cancel', { code: null, signal: 'SIGKILL', cancelAsked: true }, 'cancelled'],
    ['an unseen end', { code: null }, 'failed'],
  ])('%s', (_name, evidence, outcome) => {
    const verdict = judgePlan({ ...plan, ...evidence });
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.message).toMatch(/^[A-Z].*\.$/);
  });

  it('never calls anything planned that has no readable plan', () => {
    const evidence = fc.record({
      code: fc.option(fc.integer({ min: 0, max: 255 })),
      signal: fc.option(fc.constantFrom('SIGKILL', 'SIGINT')),
      cancelAsked: fc.boolean(),
      planFileExists: fc.boolean(),
      showParsed: fc.boolean(),
    });
    fc.assert(
      fc.property(evidence, (e) => {
        if (judgePlan({ tool: 'tofu', ...e }).outcome !== 'planned') return true;
        return (
          e.planFileExists && e.showParsed && !e.cancelAsked && e.signal === null && (e.code === 0 || e.code === 2)
        );
      }),
    );
  });
});

describe('judgeApply', () => {
  it.each([
    ['all done', {}, 'succeeded'],
    ['all done in spite of a cancel', { cancelAsked: true }, 'succeeded'],
    ['an error', { code: 1 }, 'failed'],
    ['a cancel', { code: 1, cancelAsked: true }, 'cancelled'],
    ['two interrupts', { code: 1, cancelAsked: true, forcedExit: true }, 'interrupted'],
    ['a crash of the Go runtime', { code: 2 }, 'interrupted'],
    ['a panic', { code: 11 }, 'interrupted'],
    ['a kill', { code: null, signal: 'SIGKILL', cancelAsked: true }, 'interrupted'],
    ['an unseen end', { code: null }, 'interrupted'],
    ['no such program', { code: 127 }, 'never_started'],
    ['not started', { code: null, started: false }, 'never_started'],
  ])('%s', (_name, evidence, outcome) => {
    const verdict = judgeApply({ ...apply, ...evidence });
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.message).toMatch(/^[A-Z].*\.$/);
  });
});
