/**
 * Makes foreign bytes safe to show. Terraform's output may hold anything: a provisioner could move the cursor, rename the
 * window or write to the clipboard. Colours are kept where wanted; every other escape sequence and control character goes.
 * Linear in the input; what is cut by the border of a piece is held back until the next one.
 */
export interface SafeText {
  push(bytes: Uint8Array): string;
  /** What was held back. */
  end(): string;
}

/** An escape sequence longer than this is none. */
const LONGEST_SEQUENCE = 256;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences start with ESC
const COLOUR = /^\u001b\[[0-9;:]*m$/;
/** CSI, OSC and other string sequences, two-character sequences. */
const SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences start with ESC
  /\u001b\[[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[ -/]*[0-OQ-WYZ\\`-~]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** What is left when a sequence was taken out of another one may be a colour. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const CONTROLS_BUT_COLOURS = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]|\u001b(?!\[[0-9;:]*m)/g;

/** @param colours whether colour sequences stay */
export function createSafeText(colours: boolean): SafeText {
  const decoder = new TextDecoder();
  let held = '';

  const clean = (text: string): string =>
    text
      .replace(SEQUENCE, (sequence) => (colours && COLOUR.test(sequence) ? sequence : ''))
      .replace(colours ? CONTROLS_BUT_COLOURS : CONTROLS, '');

  function take(text: string): string {
    const whole = held + text;
    const cut = findCut(whole);
    held = whole.slice(cut);
    return clean(whole.slice(0, cut));
  }

  return {
    push: (bytes) => take(decoder.decode(bytes, { stream: true })),
    end() {
      const rest = clean(held + decoder.decode());
      held = '';
      return rest;
    },
  };
}

/** Where an unfinished escape sequence at the end of the text begins, or the text's length. */
function findCut(text: string): number {
  const start = text.lastIndexOf('\u001b');
  if (start < 0 || text.length - start > LONGEST_SEQUENCE) return text.length;
  // `search` ignores where the pattern stopped last.
  return text.slice(start).search(SEQUENCE) === 0 ? text.length : start;
}
