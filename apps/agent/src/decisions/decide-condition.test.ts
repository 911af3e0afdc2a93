import { expect, test } from 'vitest';
import { type ConditionFacts, decideCondition } from './decide-condition.ts';

const WELL: ConditionFacts = {
  leaving: 'no',
  error: undefined,
  signedOn: true,
  draining: false,
  held: 0,
  failedInARow: 0,
  uptimeMs: 1_000,
  heartbeatIntervalMs: 30_000,
};

test.each<[string, boolean, Partial<ConditionFacts>]>([
  ['online', true, {}],
  ['busy', true, { held: 1 }],
  ['online', true, { failedInARow: 2 }],
  ['offline', false, { failedInARow: 3, held: 1 }],
  ['draining', true, { draining: true, held: 1 }],
  ['offline', false, { draining: true, failedInARow: 4 }],
  ['starting', true, { signedOn: false, uptimeMs: 90_000 }],
  ['starting', false, { signedOn: false, uptimeMs: 90_001 }],
  ['error', false, { error: 'refused', signedOn: false, held: 1 }],
  ['stopping', false, { leaving: 'stopping', failedInARow: 3 }],
  ['stopped', false, { leaving: 'stopped', error: 'refused' }],
])('%s, healthy: %s, for %o', (condition, isHealthy, facts) => {
  const decided = decideCondition({ ...WELL, ...facts });
  expect(decided.condition).toBe(condition);
  expect(decided.unhealthy === undefined).toBe(isHealthy);
});

test('why it is not healthy is said', () => {
  expect(decideCondition({ ...WELL, failedInARow: 3 }).unhealthy).toContain('the last 3 heartbeats');
  expect(decideCondition({ ...WELL, leaving: 'stopped', error: 'refused' }).unhealthy).toBe('refused');
});
