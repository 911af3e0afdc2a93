import { describe, expect, test } from 'vitest';
import { isConnected, isReachable, type Liveness, sameOrUnknown, statusOf } from './agent.ts';

const NOW = 1_000_000;
const ago = (ms: number) => new Date(NOW - ms);
const agent = (given: Partial<Liveness> = {}): Liveness => ({
  lastHeartbeatAt: ago(10_000),
  lastMessageAt: ago(10_000),
  lastPullAt: null,
  connectedReplica: 'r1',
  reportedStatus: 'online',
  silentOffers: 0,
  runningAttempts: 0,
  left: false,
  ...given,
});

describe('status', () => {
  test.each([
    ['online', {}],
    ['busy', { runningAttempts: 1 }],
    ['offline', { lastHeartbeatAt: null }],
    ['offline', { lastHeartbeatAt: ago(61_000) }],
    ['online', { lastHeartbeatAt: ago(61_000), connectedReplica: null }],
    ['offline', { lastHeartbeatAt: ago(91_000), connectedReplica: null }],
    ['error', { reportedStatus: 'error' }],
    ['error', { silentOffers: 3, runningAttempts: 1 }],
    ['busy', { silentOffers: 2, runningAttempts: 1 }],
    ['offline', { left: true, runningAttempts: 1 }],
  ] as const)('%s for %o', (status, given) => expect(statusOf(agent(given), NOW, 3)).toBe(status));
});

describe('reach', () => {
  test('a socket counts while it speaks', () => {
    expect(isConnected(agent(), NOW)).toBe(true);
    expect(isConnected(agent({ lastMessageAt: ago(61_000) }), NOW)).toBe(false);
    expect(isConnected(agent({ connectedReplica: null }), NOW)).toBe(false);
  });
  test('an agent that pulls is reachable without a socket', () => {
    expect(isReachable(agent({ connectedReplica: null, lastPullAt: ago(30_000) }), NOW)).toBe(true);
    expect(isReachable(agent({ connectedReplica: null, lastPullAt: ago(41_000) }), NOW)).toBe(false);
    expect(isReachable(agent({ connectedReplica: null }), NOW)).toBe(false);
  });
  test('an agent that said that it leaves is not', () => {
    expect(isReachable(agent({ left: true, lastPullAt: ago(1_000) }), NOW)).toBe(false);
    expect(isConnected(agent({ left: true }), NOW)).toBe(false);
  });
});

test('machines are compared when both are known', () => {
  expect(sameOrUnknown('a', 'b')).toBe(false);
  expect(sameOrUnknown('a', 'a')).toBe(true);
  expect(sameOrUnknown(null, 'b')).toBe(true);
  expect(sameOrUnknown('a', '')).toBe(true);
});
