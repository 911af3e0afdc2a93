/** What must never be. */
export type ViolationKind =
  | 'doubled_apply'
  | 'log_differs'
  | 'secret_shown'
  | 'state_lost'
  | 'ledger_differs'
  | 'no_verdict'
  | 'lock_left'
  /** Something of the system failed on its own, without a fault. */
  | 'broke_down';

export interface Violation {
  readonly kind: ViolationKind;
  /** For people. */
  readonly sentence: string;
}
