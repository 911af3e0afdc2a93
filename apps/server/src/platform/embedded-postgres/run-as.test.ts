import { expect, test } from 'vitest';
import { listCandidates, parsePasswd, prefixOf, type RunAs, type RunAsProbe } from './run-as.ts';

const POSTGRES = { uid: 101, gid: 104 };
const NOBODY = { uid: 65534, gid: 65534 };
const USERS = new Map([
  ['nobody', NOBODY],
  ['postgres', POSTGRES],
]);
const PROBE: RunAsProbe = { platform: 'linux', uid: 1000, named: true, dataOwner: undefined, users: USERS };

const asPostgres: RunAs = { kind: 'user', ...POSTGRES };
const inNamespace: RunAs = { kind: 'namespace', ...POSTGRES };

test.each<[string, Partial<RunAsProbe>, RunAs[]]>([
  ['an ordinary user', {}, [{ kind: 'self' }]],
  ['an ordinary user on macOS', { platform: 'darwin' }, [{ kind: 'self' }]],
  ['a user without a name, whom initdb refuses', { named: false }, [inNamespace]],
  ['root', { uid: 0 }, [inNamespace, asPostgres]],
  [
    'root without a user postgres',
    { uid: 0, users: new Map([['nobody', NOBODY]]) },
    [
      { kind: 'namespace', ...NOBODY },
      { kind: 'user', ...NOBODY },
    ],
  ],
  ['root on data of its own', { uid: 0, dataOwner: { uid: 0, gid: 0 } }, [inNamespace, asPostgres]],
  [
    'root on the data of somebody else',
    { uid: 0, dataOwner: { uid: 1000, gid: 1000 } },
    [{ kind: 'user', uid: 1000, gid: 1000 }],
  ],
  ['root on macOS', { uid: 0, platform: 'darwin' }, [asPostgres]],
  ['root where nobody else exists', { uid: 0, users: new Map() }, []],
])('%s', (_who, probe, expected) => {
  expect(listCandidates({ ...PROBE, ...probe })).toEqual(expected);
});

test('the death signal is set after the user has changed, which would clear it', () => {
  expect(prefixOf({ kind: 'namespace', uid: 5, gid: 6 }, 'linux', 'INT')).toEqual(
    'unshare --user --map-user=5 --map-group=6 -- setpriv --pdeathsig INT --'.split(' '),
  );
  expect(prefixOf({ kind: 'self' }, 'linux', 'KILL')).toEqual('setpriv --pdeathsig KILL --'.split(' '));
  expect(prefixOf({ kind: 'self' }, 'linux', undefined)).toEqual([]);
  expect(prefixOf({ kind: 'self' }, 'darwin', 'KILL')).toEqual([]);
});

test('users are read from /etc/passwd, root and broken lines left out', () => {
  const users = parsePasswd(
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:nobody:/:/bin/false\n# a comment\npostgres:x:101\n',
  );
  expect([...users]).toEqual([['nobody', { uid: 65534, gid: 65533 }]]);
});
