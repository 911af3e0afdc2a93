import { afterEach, expect, test, vi } from 'vitest';
import { createFakeClock } from './fake-clock.ts';
import { createShutdown, type ShutdownOptions } from './shutdown.ts';

// Signals nobody else in the test process uses.
const signals = ['SIGUSR2'] as const;
afterEach(() => process.removeAllListeners('SIGUSR2'));
const create = (more: Partial<ShutdownOptions> = {}) =>
  createShutdown({ deadlineMs: Number.POSITIVE_INFINITY, signals, ...more });

test('a signal closes what was added, latest first, each after the other', async () => {
  const shutdown = create();
  const closed: string[] = [];
  shutdown.onClose('database', () => closed.push('database'));
  shutdown.onClose('http', async () => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    closed.push('http');
  });
  expect(shutdown.signal.aborted).toBe(false);
  process.kill(process.pid, 'SIGUSR2');
  expect(await shutdown.closed).toEqual({ reason: 'SIGUSR2', unclosed: [] });
  expect(closed).toEqual(['http', 'database']);
  expect(shutdown.signal.aborted).toBe(true);
});

test('a closer that fails is told and does not keep the others from closing', async () => {
  const onError = vi.fn();
  const shutdown = create({ onError });
  const first = vi.fn();
  shutdown.onClose('first', first);
  shutdown.onClose('second', () => {
    throw new Error('stuck');
  });
  shutdown.request('upgrade');
  expect(await shutdown.closed).toEqual({ reason: 'upgrade', unclosed: ['second'] });
  expect(onError).toHaveBeenCalledWith('second', expect.objectContaining({ message: 'stuck' }));
  expect(first).toHaveBeenCalledOnce();
});

test('at the deadline it names the closer that hangs and those not reached', async () => {
  const clock = createFakeClock();
  const shutdown = create({ clock, deadlineMs: 5000 });
  shutdown.onClose('never reached', () => {});
  shutdown.onClose('hangs', () => new Promise(() => {}));
  shutdown.onClose('fine', () => {});
  shutdown.request('test');
  await clock.advance(5000);
  expect((await shutdown.closed).unclosed).toEqual(['hangs', 'never reached']);
});

test('further signals and requests do not close twice; they are passed on', async () => {
  const onSecondSignal = vi.fn();
  const shutdown = create({ onSecondSignal });
  const gate = Promise.withResolvers<void>();
  const close = vi.fn(() => gate.promise);
  shutdown.onClose('slow', close);
  shutdown.request('first');
  shutdown.request('second');
  process.emit('SIGUSR2', 'SIGUSR2');
  gate.resolve();
  expect((await shutdown.closed).reason).toBe('first');
  expect(close).toHaveBeenCalledOnce();
  expect(onSecondSignal).toHaveBeenCalledExactlyOnceWith('SIGUSR2');
  expect(process.listenerCount('SIGUSR2')).toBe(0);
});

test('one Ctrl-C that arrives several times is one signal', async () => {
  const onSecondSignal = vi.fn();
  const clock = createFakeClock();
  const shutdown = create({ onSecondSignal, clock });
  const gate = Promise.withResolvers<void>();
  shutdown.onClose('slow', () => gate.promise);
  process.emit('SIGUSR2', 'SIGUSR2');
  process.emit('SIGUSR2', 'SIGUSR2');
  await clock.advance(499);
  process.emit('SIGUSR2', 'SIGUSR2');
  expect(onSecondSignal).not.toHaveBeenCalled();
  await clock.advance(1);
  process.emit('SIGUSR2', 'SIGUSR2');
  process.emit('SIGUSR2', 'SIGUSR2');
  expect(onSecondSignal).toHaveBeenCalledOnce();
  gate.resolve();
  await shutdown.closed;
});
