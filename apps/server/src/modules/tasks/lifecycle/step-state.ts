import type { StateMark } from '@groundcrew/protocol';
import type { AttemptStateVersion, Workspace } from './aggregate.ts';
import { Change, type Context, type Decision } from './change.ts';
import type { StateTaken, TaskEvent } from './events.ts';
import type { AttemptAggregate } from './handler.ts';
import { sameContent } from './rules.ts';
import { settle } from './settle.ts';

type Standing = 'current' | 'superseded' | 'quarantined';
interface Verdict {
  readonly standing: Standing;
  readonly sentence: string;
}

/**
 * Takes a state written by an attempt's Terraform; none is ever turned away. The same content again is the same version, decided
 * before the fence is looked at, so that a retry across a close gets the answer that was lost.
 */
export function postState(
  aggregate: AttemptAggregate,
  event: TaskEvent<'state_posted'>,
  context: Context,
): Decision<StateTaken> {
  const known = aggregate.attempt.states.find((state) => sameContent(state, event.mark));
  if (known) {
    return new Change(aggregate).answer({
      kind: 'state',
      id: known.id,
      standing: known.standing,
      again: true,
      sentence: 'This state was stored before.',
    });
  }
  const verdict = judge(aggregate, event.mark);
  const stored = store(new Change(aggregate), event, verdict);
  const change = verdict.standing === 'current' ? settle(stored, context) : stored;
  return change.answer({ kind: 'state', id: event.id, again: false, ...verdict });
}

/** A state becomes current only from the holder's attempt, after its LOCK, before its end, in the same line and going forward. */
function judge({ workspace, attempt }: AttemptAggregate, mark: StateMark): Verdict {
  const mine = workspace.permit === attempt.id && workspace.holderEpoch === attempt.epoch && attempt.permit === 'used';
  if (!mine) return quarantined(`attempt ${attempt.number} may not write the state`);
  const own = newestOf(attempt.states);
  if (own && own.lineage === mark.lineage && mark.serial < own.serial)
    return {
      standing: 'superseded',
      sentence: `Serial ${own.serial} is already stored from this attempt; serial ${mark.serial} is kept beside it.`,
    };
  return judgeAgainst(workspace.state, mark);
}

function judgeAgainst(present: Workspace['state'], mark: StateMark): Verdict {
  if (present && present.lineage !== mark.lineage) return quarantined(`its lineage is not the present one`);
  if (present && mark.serial <= present.serial)
    return quarantined(`its serial ${mark.serial} does not follow the present serial ${present.serial}`);
  return { standing: 'current', sentence: `State serial ${mark.serial} is current.` };
}

const quarantined = (why: string): Verdict => ({
  standing: 'quarantined',
  sentence: `The state was stored in quarantine because ${why}; a person decides about it.`,
});

const newestOf = (states: readonly AttemptStateVersion[]): AttemptStateVersion | undefined =>
  states.filter((s) => s.standing === 'current' || s.standing === 'past').at(-1);

function store(change: Change, { id, mark }: TaskEvent<'state_posted'>, { standing, sentence }: Verdict): Change {
  const { workspace, attempt } = change.aggregate;
  const version: AttemptStateVersion = { id, ...mark, standing };
  const earlier = (attempt?.states ?? []).map((s) =>
    standing === 'current' && s.standing === 'current' ? { ...s, standing: 'past' as const } : s,
  );
  const stored = change
    .attempt({ states: [...earlier, version] })
    .effect({ kind: 'store_state', id, standing, sentence });
  if (standing === 'current') return stored.workspace({ state: { id, ...mark } }).record('state_stored', sentence);
  if (standing === 'superseded') return stored;
  return warnHolder(
    stored
      .workspace({ undecided: [...workspace.undecided, id] })
      .record('state_quarantined', sentence)
      .effect({ kind: 'alert', sentence }),
  );
}

function warnHolder(change: Change): Change {
  const { hold } = change.aggregate.workspace;
  return hold === null
    ? change
    : change.effect({ kind: 'tell_holder', taskId: hold, event: { kind: 'quarantine_arrived' } });
}
