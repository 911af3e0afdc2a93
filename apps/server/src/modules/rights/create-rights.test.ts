import { OrganizationRole, Permission, Role, type WorkspaceId } from '@groundcrew/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWithin, mayOn, reachOf } from '../../platform/http/index.ts';
import { createRights, type RightsInput } from './create-rights.ts';
import { GRANT_PERMISSIONS } from './grant-permissions.ts';
import { mayManage } from './rank.ts';
import { ROLE_PERMISSIONS } from './roles.ts';

const A = 'ws-a' as WorkspaceId;
const B = 'ws-b' as WorkspaceId;
const of = (given: Partial<RightsInput>) =>
  createRights({ role: 'member', grants: null, scopes: null, workspaceIds: null, ...given });

describe('rights', () => {
  test('a role counts everywhere, a grant on its workspace, the higher of the two there', () => {
    const rights = of({ role: 'viewer', grants: { [A]: 'operator' } });
    expect([mayOn(rights, 'task:apply', A), mayOn(rights, 'task:apply', B)]).toEqual([true, false]);
    expect([mayOn(rights, 'task:read', B), mayOn(rights, 'task:read', null)]).toEqual([true, true]);
    expect(mayOn(of({ role: 'admin', grants: { [A]: 'viewer' } }), 'workspace:write', A)).toBe(true);
  });

  test('a grant gives nothing of the organisation', () => {
    const rights = of({ grants: { [A]: 'owner' } });
    for (const permission of ['user:read', 'agent:read', 'pool:write', 'client:write', 'audit:read'] as const)
      expect([mayOn(rights, permission, A), mayOn(rights, permission, null)]).toEqual([false, false]);
    expect([...GRANT_PERMISSIONS.owner].every((permission) => ROLE_PERMISSIONS.owner.has(permission))).toBe(true);
  });

  test('a token for one workspace has no rights outside it', () => {
    const rights = of({ role: 'owner', workspaceIds: [A] });
    expect([mayOn(rights, 'state:write', A), mayOn(rights, 'task:read', B), mayOn(rights, 'user:read', null)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(reachOf(rights, 'task:read')).toEqual([A]);
    expect(reachOf(of({ role: 'viewer' }), 'task:read')).toBeUndefined();
  });

  test('each role has all that the one below has, a member least', () => {
    const order: OrganizationRole[] = ['member', 'viewer', 'planner', 'operator', 'admin', 'owner'];
    for (const [index, role] of order.entries())
      for (const lower of order.slice(0, index)) {
        expect([...ROLE_PERMISSIONS[lower]].filter((permission) => !ROLE_PERMISSIONS[role].has(permission))).toEqual(
          [],
        );
        expect([mayManage(role, lower), mayManage(lower, role)]).toEqual([true, false]);
      }
  });
});

const input: fc.Arbitrary<RightsInput> = fc.record({
  role: fc.constantFrom(...OrganizationRole.options),
  grants: fc.option(fc.dictionary(fc.constantFrom<string>(A, B), fc.constantFrom(...Role.options))),
  scopes: fc.option(fc.subarray([...Permission.options])),
  workspaceIds: fc.option(fc.subarray<string>([A, B])),
});

test('limits only ever take away', () => {
  fc.assert(
    fc.property(input, (given) => {
      const limited = createRights(given);
      expect(isWithin(limited, createRights({ ...given, scopes: null, workspaceIds: null }))).toBe(true);
      expect(isWithin(limited, limited)).toBe(true);
      if (given.scopes !== null)
        for (const permissions of [limited.everywhere, ...limited.onWorkspaces.values()])
          expect([...permissions].every((permission) => given.scopes?.includes(permission))).toBe(true);
      if (given.workspaceIds !== null) expect(limited.everywhere.size).toBe(0);
    }),
    { numRuns: 500 },
  );
});
