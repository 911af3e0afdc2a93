import type { TaskVerdict, WayOut } from '@groundcrew/protocol';
import type { TaskView } from './view-store.ts';

type Verdict = Pick<TaskVerdict, 'kind' | 'may_close' | 'may_still_run' | 'quarantined' | 'unrecorded'>;

/** What a person can do about a task that cannot go on by itself, in the order in which it is best tried. */
export function listWaysOut(task: TaskView, verdict: Verdict): WayOut[] {
  const close = verdict.may_close ? [closeIt(task)] : [];
  switch (verdict.kind) {
    case 'contact_lost':
      return task.permit === 'used'
        ? [comeBack(task), look(task), ...close]
        : [{ sentence: 'Wait: the task is queued again by itself, or cancel it.', command: `task cancel ${task.id}` }];
    case 'abandoned':
      return [comeBack(task), look(task), ...close];
    case 'stuck':
      return [look(task), ...close];
    case 'state_missing':
      return [comeBack(task), look(task), ...close];
    case 'interrupted':
      return [...compareWithWorld(task, verdict), ...close];
    case 'restored':
      return [...decideQuarantined(task, verdict), ...compareWithWorld(task, verdict), ...close];
    case 'closed':
      return afterClose(task, verdict);
  }
}

const look = ({ agent_id }: TaskView): WayOut => ({
  sentence: 'Look after the host of its agent.',
  command: agent_id === null ? null : `agent show ${agent_id}`,
});

const comeBack = ({ agent_name }: TaskView): WayOut => ({
  sentence: `Bring agent ${agent_name ?? 'of the attempt'} back: what its runner kept (log, state, result) is delivered then, and the task goes on by itself.`,
  command: null,
});

const closeIt = ({ id }: TaskView): WayOut => ({
  sentence: 'When nothing of it can come back, close the task; you are asked for the name of its workspace.',
  command: `task close ${id} --reason "<why>"`,
});

const compareWithWorld = ({ id, workspace_name }: TaskView, { unrecorded }: Verdict): WayOut[] => [
  {
    sentence:
      unrecorded.length === 0
        ? 'Compare what exists with the state that the server has.'
        : 'Look whether the resources named above exist; import them, or remove them by hand.',
    command: `state show ${workspace_name}`,
  },
  { sentence: 'Its log says how far Terraform came.', command: `task logs ${id} --phase apply` },
];

/** The newest one most likely tells what exists; those before it are then of no use any more. */
function decideQuarantined({ workspace_name }: TaskView, { quarantined }: Verdict): WayOut[] {
  const [newest, ...older] = quarantined.toReversed();
  if (newest === undefined) return [];
  const command = (verb: string, version: number) => `state quarantine ${verb} ${workspace_name} ${version}`;
  return [
    {
      sentence: `State version ${newest.version} is in quarantine: see what it holds that the current state does not.`,
      command: command('compare', newest.version),
    },
    {
      sentence: 'Make it the current state, or discard it.',
      command: `${command('accept', newest.version)} --reason "<why>"`,
    },
    ...older.map(({ version }) => ({
      sentence: `State version ${version}, older, is in quarantine as well; discard it when it is not needed.`,
      command: `${command('discard', version)} --reason "<why>"`,
    })),
  ];
}

function afterClose(task: TaskView, verdict: Verdict): WayOut[] {
  const wait: WayOut[] = verdict.may_still_run ? [comeBack(task)] : [];
  const decide = decideQuarantined(task, verdict);
  return [
    ...wait,
    ...decide,
    {
      sentence: `Unlock the workspace once ${decide.length > 0 ? 'you have decided' : 'you know what exists'}, and plan again.`,
      command: `workspace unlock ${task.workspace_name}`,
    },
  ];
}
