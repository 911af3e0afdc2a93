import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Io } from './io.ts';
import { createStatusLine } from './status-line.ts';

const CLEAR = '\r\u001b[2K';

/** One screen that both streams write to. */
function makeScreen(isTTY: boolean) {
  let text = '';
  const stream = () => {
    const made = Object.assign(new PassThrough(), { isTTY, columns: 30 });
    made.on('data', (chunk) => {
      text += chunk;
    });
    return made;
  };
  const io: Io = {
    stdin: new PassThrough(),
    stdout: stream(),
    stderr: stream(),
    env: { NO_COLOR: '1' },
    cwd: '/',
    onSignal: () => () => {},
  };
  return { io, text: () => text };
}

describe('the status line', () => {
  it('gives way to output, and comes back below it', () => {
    const { io, text } = makeScreen(true);
    const status = createStatusLine(io);
    status.set(() => 'planning');
    status.write('a line\n');
    expect(text()).toBe(`${CLEAR}⠙ planning${CLEAR}a line\n${CLEAR}⠹ planning`);
    status.close();
    expect(text().endsWith(CLEAR)).toBe(true);
  });

  it('waits for the end of a line that is not finished', () => {
    const { io, text } = makeScreen(true);
    const status = createStatusLine(io);
    status.set(() => 'x');
    status.write('half');
    expect(text().endsWith(`${CLEAR}half`)).toBe(true);
    status.write(' and whole\n');
    expect(text().endsWith(`half and whole\n${CLEAR}⠹ x`)).toBe(true);
    status.write('half');
    status.say('message');
    expect(text()).toContain('half\n');
    status.close();
  });

  it('never wraps', () => {
    const { io, text } = makeScreen(true);
    const status = createStatusLine(io);
    status.set(() => 'a long text that does not fit into this screen');
    expect(text()).toBe(`${CLEAR}⠙ a long text that does not …`);
    status.close();
  });

  it('does not move when it is calm and says the same', async () => {
    const { io, text } = makeScreen(true);
    const status = createStatusLine(io);
    status.set(() => 'up', { calm: true });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(text()).toBe(`${CLEAR}● up`);
    status.close();
  });

  it('is away during a question', () => {
    const { io, text } = makeScreen(true);
    const status = createStatusLine(io);
    status.set(() => 'x');
    status.pause();
    const before = text();
    status.set(() => 'y');
    expect(text()).toBe(before);
    status.unpause();
    status.set(() => 'z');
    expect(text().endsWith('⠹ z')).toBe(true);
    status.close();
  });

  it('is nothing where there is no terminal', () => {
    const { io, text } = makeScreen(false);
    const status = createStatusLine(io);
    status.set(() => 'planning');
    status.write('a line\n');
    status.say('a message');
    status.close();
    expect(text()).toBe('a line\na message\n');
  });
});
