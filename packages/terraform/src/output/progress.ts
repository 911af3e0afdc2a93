import {
  type DiagnosticLine,
  isCompletion,
  type NoticeLine,
  type OutputLine,
  type ResourceLine,
} from './output-lines.ts';

/** What is done to a resource; a replacement is a `delete` and a `create`. */
export type Operation = 'create' | 'update' | 'delete' | 'read' | 'import';

/** An operation that Terraform reported as finished. */
export interface CompletedOperation {
  address: string;
  action: Operation;
  /** The provider's id of the object, where Terraform printed it. */
  id: string | null;
}

export interface Progress {
  /** Resources created, updated and destroyed so far. */
  done: number;
  /** How many there will be; 0 while nobody knows. */
  total: number;
  /** Addresses being worked on, in order of their start. */
  running: string[];
  /** Creations, updates, destructions and imports in order; at most {@link MAX_COMPLETED}. */
  completed: readonly CompletedOperation[];
  /** `graceful` after the first interrupt, `forced` after the second, which drops what is under way. */
  interrupt: 'none' | 'graceful' | 'forced';
  /** Error diagnostics so far. */
  errors: number;
  /** "Apply complete!" or "Destroy complete!" was seen. */
  complete: boolean;
}

/** More completed operations than this are counted but not kept. */
const MAX_COMPLETED = 200_000;

/** Takes lines in order and knows at any time how far Terraform is. */
export interface ProgressTracker {
  feed(line: OutputLine): void;
  progress(): Progress;
}

const START = /^(?:Creating|Modifying|Destroying|Reading|Importing)\.\.\./;
const STILL = /^Still (?:creating|modifying|destroying|reading)\.\.\./;
const ENDS: readonly (readonly [RegExp, Operation])[] = [
  [/^Creation complete after /, 'create'],
  [/^Modifications complete after /, 'update'],
  [/^Destruction complete after /, 'delete'],
  [/^Read complete after /, 'read'],
  [/^Import complete/, 'import'],
];

export interface ProgressOptions {
  /** The sum of the plan being applied; the apply of a saved plan does not print it again. */
  total?: number;
  /** What a predecessor had seen. */
  from?: Progress;
}

export function createProgressTracker({ total = 0, from = NOTHING }: ProgressOptions = {}): ProgressTracker {
  const seen: Seen = {
    ...from,
    total: from.total || total,
    running: new Map(from.running.map((address) => [address, null])),
    completed: [...from.completed],
  };
  return {
    feed(line) {
      if (line.kind === 'resource') noteResource(seen, line);
      else if (line.kind === 'notice') noteNotice(seen, line);
      else noteDiagnostic(seen, line);
    },
    progress: () => ({ ...seen, running: [...seen.running.keys()] }),
  };
}

const NOTHING: Progress = {
  done: 0,
  total: 0,
  running: [],
  completed: [],
  interrupt: 'none',
  errors: 0,
  complete: false,
};

interface Seen extends Omit<Progress, 'running'> {
  /** Addresses and, where it was printed, the id of what is being changed. */
  running: Map<string, string | null>;
  completed: CompletedOperation[];
}

function noteResource(seen: Seen, { address, text }: ResourceLine): void {
  const action = ENDS.find(([pattern]) => pattern.test(text))?.[1];
  if (action !== undefined) noteEnd(seen, action, address, text);
  else if (START.test(text)) seen.running.set(address, findId(text) ?? null);
  // Seen first by a reader that began in the middle.
  else if (STILL.test(text) && !isRunning(seen, address)) seen.running.set(address, null);
}

// "Still destroying..." names a deposed object by its resource alone.
const isRunning = ({ running }: Seen, address: string): boolean =>
  [...running.keys()].some((key) => key === address || key.startsWith(`${address} (`));

function noteEnd(seen: Seen, action: Operation, address: string, text: string): void {
  const id = findId(text) ?? seen.running.get(address) ?? null;
  seen.running.delete(address);
  if (action === 'read') return;
  if (action !== 'import') seen.done += 1;
  if (seen.completed.length < MAX_COMPLETED) seen.completed.push({ address, action, id });
}

function noteNotice(seen: Seen, { text }: NoticeLine): void {
  if (text.startsWith('Plan: ')) seen.total = sumOf(text);
  else if (text.startsWith('Two interrupts received.')) seen.interrupt = 'forced';
  else if (text.startsWith('Interrupt received.') && seen.interrupt === 'none') seen.interrupt = 'graceful';
  else if (isCompletion(text)) seen.complete = true;
  else if (/^(?:Error|panic|fatal error): /.test(text)) seen.errors += 1;
}

function noteDiagnostic(seen: Seen, { text }: DiagnosticLine): void {
  if (text.startsWith('Error: ')) seen.errors += 1;
  // A failed operation has no line of its own; its diagnostic names it.
  const failed = /^ {2}with (.+),$/.exec(text)?.[1];
  if (failed !== undefined) seen.running.delete(failed);
}

const findId = (text: string): string | undefined => / \[id=(.*)\]$/.exec(text)?.[1];

/** Of "Plan: 1 to import, 2 to add, 0 to change, 1 to destroy." the operations that will be reported as finished. */
function sumOf(text: string): number {
  const counts = text.matchAll(/(\d+) to (?:add|change|destroy)\b/g);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}
