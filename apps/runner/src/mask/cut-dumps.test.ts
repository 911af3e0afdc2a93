import { describe, expect, it } from 'vitest';
import { compilePatterns, createMasker, cutDumps } from './index.ts';

const STATE = '{\n  "version": 4,\n  "terraform_version": "1.11.4",\n  "serial": 3,\n  "resources": []\n}\n';
const NOTICE = '[the state that Terraform printed here is kept apart, as a secret]\n';
const BEFORE = 'Error: Failed to persist state\nhunter2\n';
const AFTER = '\nApply complete! Resources: 1 added, 0 changed, 0 destroyed.\n';
const patterns = compilePatterns([{ fromOffset: 0, secrets: [{ name: 'password', value: 'hunter2' }] }]);

/** Masks the text split at `at`, and again from the checkpoint there; gives both results and the dumps of the first. */
function cutIn(text: string, at: number) {
  const dump = Buffer.alloc(Buffer.byteLength(text));
  let dumped = 0;
  const createCutter = cutDumps((part) => {
    dump.set(part.bytes, part.at - part.from);
    dumped = Math.max(dumped, part.at - part.from + part.bytes.length);
  });
  const masker = createMasker({ patterns, createCutter });
  const first = masker.push(Buffer.from(text.slice(0, at)));
  const start = masker.checkpoint();
  const whole = Buffer.concat([first, masker.push(Buffer.from(text.slice(at))), masker.end()]);
  const successor = createMasker({ patterns, createCutter, start });
  const rest = Buffer.concat([successor.push(Buffer.from(text.slice(start.rawOffset))), successor.end()]);
  const resumed = Buffer.concat([whole.subarray(0, start.maskedOffset), rest]);
  return { whole: whole.toString(), resumed: resumed.toString(), dump: dump.toString('utf8', 0, dumped) };
}

describe('a printed state', () => {
  it('is cut out and handed over, wherever the chunks split', () => {
    const text = `${BEFORE}${STATE}more hunter2${AFTER}`;
    for (let at = 0; at <= text.length; at++) {
      const { whole, resumed, dump } = cutIn(text, at);
      expect(whole).toBe(`${BEFORE.replace('hunter2', '[MASKED]')}${NOTICE}more [MASKED]${AFTER}`);
      expect(resumed).toBe(whole);
      expect(dump).toBe(STATE);
    }
  });

  it('is left alone behind the end of the apply, also by a successor', () => {
    const text = `ok${AFTER}Outputs:\n\nx = <<EOT\n${STATE}EOT\nend\n`;
    for (let at = 0; at <= text.length; at++) {
      const { whole, resumed, dump } = cutIn(text, at);
      expect([whole, resumed, dump]).toEqual([text, text, '']);
    }
  });
});
