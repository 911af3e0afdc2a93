import { plain } from '../harness/index.ts';
import type { LogSeen, TaskSeen } from './observation.ts';
import type { Violation } from './violation.ts';

/** The resources that a task's logs report as created. */
export function findCreated({ logs }: Pick<TaskSeen, 'logs'>): Set<string> {
  const text = logs
    .filter(({ phase }) => phase === 'apply')
    .map(({ stored }) => plain(stored.toString()))
    .join('\n');
  return new Set([...text.matchAll(/^terraform_data\.(\w+): Creation complete/gm)].map(([, name]) => name ?? ''));
}

/** Bytes of a stored log that are not those that it should have, missing and surplus ones included. */
export function countDiffering({ expected, stored }: LogSeen): number {
  if (expected === undefined) return 0;
  const common = Math.min(expected.length, stored.length);
  let differing = Math.max(expected.length, stored.length) - common;
  for (let at = 0; at < common; at += 1) if (expected[at] !== stored[at]) differing += 1;
  return differing;
}

export function findLogViolations(task: TaskSeen, secret: string): Violation[] {
  return task.logs.flatMap((log): Violation[] => {
    const name = `The ${log.phase} log of ${log.attemptId} (${task.label}, ${task.status})`;
    const differing = countDiffering(log);
    return [
      ...(differing === 0
        ? []
        : [
            {
              kind: 'log_differs' as const,
              sentence: `${name} differs in ${differing} bytes: ${log.stored.length} are stored of ${log.expected?.length}.`,
            },
          ]),
      ...(log.stored.includes(secret) ? [{ kind: 'secret_shown' as const, sentence: `${name} shows a secret.` }] : []),
    ];
  });
}
