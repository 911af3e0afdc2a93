import type { LogStream, Phase, ViewerFrame } from '@groundcrew/protocol';
import { createSafeText } from '../terminal/safe-text.ts';
import type { StatusLine } from '../terminal/status-line.ts';
import type { Style } from '../terminal/style.ts';

/** Shows the frames of a followed log: Terraform's own bytes, made safe, under a heading for each stream. */
export interface LogView {
  show(frame: ViewerFrame): void;
  /** Whether the last stream of the plan phase has been shown to its end. */
  readonly planShown: boolean;
}

/** @param colours whether Terraform's colours are kept */
export function createLogView(status: StatusLine, style: Style, colours: boolean): LogView {
  let safe = createSafeText(colours);
  let planShown = false;
  const phases = new Set<Phase>();

  function begin(stream: LogStream): void {
    if (stream.phase === 'plan') planShown = false;
    const again = phases.has(stream.phase) ? ` · attempt ${stream.attempt}` : '';
    phases.add(stream.phase);
    safe = createSafeText(colours);
    status.say(style.dim(`── ${stream.phase}${again} ──`));
  }

  function end({ stream, complete }: ViewerFrame & { type: 'stream_end' }): void {
    status.write(safe.end());
    if (!complete) status.say(style.yellow(`The log of this ${stream.phase} is incomplete; the rest never arrived.`));
    planShown = stream.phase === 'plan';
  }

  return {
    show(frame) {
      if (frame.type === 'stream') begin(frame.stream);
      else if (frame.type === 'bytes') status.write(safe.push(Buffer.from(frame.content_base64, 'base64')));
      else if (frame.type === 'stream_end') end(frame);
    },
    get planShown() {
      return planShown;
    },
  };
}
