import { AppError, type UserCaller } from '../../platform/http/index.ts';

/** Where a task stands unless somebody says otherwise; a point is a minute of waiting (`dispatch/lane`). */
const USUAL = { person: 0, automation: -5 } as const;

/**
 * A task's priority: people before programs. Anybody may stand back; standing in front of others needs the right to apply.
 *
 * Errors: `forbidden`.
 */
export function choosePriority(
  { automation, permissions, via }: Pick<UserCaller, 'automation' | 'permissions'> & { via?: { kind: string } },
  asked: number | undefined,
): number {
  const usual = automation === true || via?.kind === 'client' ? USUAL.automation : USUAL.person;
  if (asked === undefined || asked <= usual || permissions.has('task:apply')) return asked ?? usual;
  throw new AppError(
    'forbidden',
    `A priority above ${usual} puts the task before those of others and needs the permission task:apply; leave priority out.`,
  );
}
