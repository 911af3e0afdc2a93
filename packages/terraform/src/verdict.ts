import type { Exit } from './exit.ts';
import { type Tool, toolTitle } from './tool.ts';

export interface PlanEvidence extends Exit {
  tool: Tool;
  /** A cancel was asked for at any time before the end; Terraform may not have noticed. */
  cancelAsked: boolean;
  planFileExists: boolean;
  /** `show -json` of the plan file ended well and its output was understood. */
  showParsed: boolean;
}

export interface PlanVerdict {
  /** `planned`: there is a plan to show and, if anything is in it, to approve. In all other cases the plan file is void. */
  outcome: 'planned' | 'failed' | 'cancelled';
  /** A sentence. */
  message: string;
}

/** What a finished `plan` means. An exit code alone is never believed: 2 is a crash as well as "there are changes". */
export function judgePlan({ tool, code, signal, cancelAsked, planFileExists, showParsed }: PlanEvidence): PlanVerdict {
  const title = toolTitle(tool);
  // A plan that never reaches a point where it could stop ends with 0 and a plan file although it was interrupted.
  if (cancelAsked) return { outcome: 'cancelled', message: 'The plan was cancelled.' };
  if (signal !== null) return { outcome: 'failed', message: `${title} was ended by ${signal} while planning.` };
  if (code === null) return { outcome: 'failed', message: `${title} ended while planning, and nobody saw how.` };
  if (code !== 0 && code !== 2) return { outcome: 'failed', message: describeFailure(title, code, 'plan') };
  if (!planFileExists) {
    return {
      outcome: 'failed',
      message: `${title} ended with code ${code} but wrote no plan; it probably crashed, see the end of its log.`,
    };
  }
  if (!showParsed) {
    return {
      outcome: 'failed',
      message: `${title} wrote a plan that "show -json" could not read back; nothing of it will be applied.`,
    };
  }
  return { outcome: 'planned', message: 'The plan is ready.' };
}

export interface ApplyEvidence extends Exit {
  tool: Tool;
  cancelAsked: boolean;
  /** False only when it is proved that the program was never run. */
  started: boolean;
  /** "Two interrupts received" stood in the output: operations under way were dropped. */
  forcedExit: boolean;
}

export interface ApplyVerdict {
  /**
   * `succeeded`: everything was applied and the state written. `failed` and `cancelled`: it stopped in order, and what it did
   * is in the state. `interrupted`: it died in the middle, so real things may be missing in the state. `never_started`:
   * nothing was done.
   */
  outcome: 'succeeded' | 'failed' | 'cancelled' | 'interrupted' | 'never_started';
  /** A sentence. */
  message: string;
}

/**
 * What a finished `apply` means. Whether its last state reached the server is another question: 1 is also the code when all
 * was applied and saved but the unlock failed, so compare the serial.
 */
export function judgeApply({ tool, code, signal, cancelAsked, started, forcedExit }: ApplyEvidence): ApplyVerdict {
  const title = toolTitle(tool);
  if (!started) return { outcome: 'never_started', message: `${title} was never started for the apply.` };
  if (signal !== null) return interrupted(`${title} was ended by ${signal} while applying`);
  if (code === null) return interrupted(`${title} ended while applying, and nobody saw how`);
  if (code === 0)
    return {
      outcome: 'succeeded',
      message: cancelAsked ? 'The apply was complete before the cancel took effect.' : 'The apply is complete.',
    };
  if (code === 126 || code === 127) return { outcome: 'never_started', message: describeFailure(title, code, 'apply') };
  if (forcedExit) return interrupted(`${title} was forced to leave the apply at once`);
  if (code !== 1) return interrupted(`${title} crashed with code ${code} while applying`);
  if (cancelAsked)
    return { outcome: 'cancelled', message: 'The apply was cancelled; what was finished by then is in the state.' };
  return { outcome: 'failed', message: describeFailure(title, code, 'apply') };
}

function interrupted(what: string): ApplyVerdict {
  return {
    outcome: 'interrupted',
    message: `${what}; resources it was working on may exist without being in the state. Compare the state with what is really there before the next apply.`,
  };
}

function describeFailure(title: string, code: number, command: string): string {
  // The shell's own codes: the program was not there or could not be executed.
  if (code === 126 || code === 127)
    return `${title} could not be started (code ${code}); check its installation on the agent.`;
  if (code === 1) return `${title} ${command} failed; its log says why.`;
  return `${title} ${command} ended with code ${code}; it probably crashed, see the end of its log.`;
}
