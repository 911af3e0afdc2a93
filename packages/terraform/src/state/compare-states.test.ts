import { describe, expect, it } from 'vitest';
import { compareStates } from './compare-states.ts';

interface Part {
  name: string;
  attributes?: Record<string, unknown>;
  key?: string | number;
  sensitive?: string[];
  status?: string;
  deposed?: string;
}

const stateOf = (parts: Part[], outputs: Record<string, unknown> = {}, space = 0): Buffer =>
  Buffer.from(
    JSON.stringify(
      {
        version: 4,
        serial: 1,
        lineage: 'l',
        outputs,
        resources: parts.map(({ name, attributes = { id: name }, key, sensitive = [], status, deposed }) => ({
          mode: 'managed',
          type: 'x',
          name,
          instances: [
            {
              ...(key === undefined ? {} : { index_key: key }),
              ...(status === undefined ? {} : { status }),
              ...(deposed === undefined ? {} : { deposed }),
              attributes,
              sensitive_attributes: sensitive.map((value) => [{ type: 'get_attr', value }]),
            },
          ],
        })),
      },
      null,
      space,
    ),
  );

describe('compareStates', () => {
  it('names what was added, removed and changed, by address', async () => {
    const before = stateOf([
      { name: 'a' },
      { name: 'b', attributes: { id: '1', size: 1, tags: { x: 'y' } } },
      { name: 'c' },
    ]);
    const after = stateOf([
      { name: 'a' },
      { name: 'b', attributes: { id: '1', size: 2, zone: 'z', tags: { x: 'y' } } },
      { name: 'd', key: 'k"1' },
    ]);
    expect(await compareStates(before, after)).toEqual({
      added: [{ address: 'x.d["k\\"1"]', id: 'd', deposed: null }],
      removed: [{ address: 'x.c', id: 'c', deposed: null }],
      changed: [{ address: 'x.b', id: '1', deposed: null, attributes: ['size', 'zone'] }],
      unchanged: 1,
      outputs: { added: [], removed: [], changed: [] },
    });
  });

  it('takes everything as added when there was no state', async () => {
    const { added, unchanged, outputs } = await compareStates(undefined, stateOf([{ name: 'a' }], { o: { value: 1 } }));
    expect([added.length, unchanged, outputs.added]).toEqual([1, 0, ['o']]);
  });

  it('does not mind white space or the order of attributes', async () => {
    const before = stateOf([{ name: 'a', attributes: { id: '1', big: 12345678901234567890n.toString() } }]);
    const after = stateOf([{ name: 'a', attributes: { big: '12345678901234567890', id: '1' } }], {}, 2);
    expect(await compareStates(before, after)).toMatchObject({ changed: [], unchanged: 1 });
  });

  it('tells a tainted one, and a deposed object beside its replacement', async () => {
    const before = stateOf([{ name: 'a' }]);
    const after = stateOf([
      { name: 'a', status: 'tainted' },
      { name: 'a', deposed: 'ab12', attributes: { id: 'old' } },
    ]);
    expect(await compareStates(before, after)).toMatchObject({
      changed: [{ address: 'x.a', attributes: ['status'] }],
      added: [{ address: 'x.a', id: 'old', deposed: 'ab12' }],
    });
  });

  it('tells names of outputs and attributes, and never a value or a sensitive id', async () => {
    const before = stateOf([{ name: 'a', attributes: { id: 's3cret-id', password: 'hunter2' }, sensitive: ['id'] }], {
      kept: { value: 'v' },
      gone: { value: 'v' },
      word: { value: 'hunter2', sensitive: true },
    });
    const after = stateOf([{ name: 'a', attributes: { id: 's3cret-id', password: 'hunter3' }, sensitive: ['id'] }], {
      kept: { value: 'v' },
      word: { value: 'hunter3', sensitive: true },
      fresh: { value: 1 },
    });
    const difference = await compareStates(before, after);
    expect(difference.changed).toEqual([{ address: 'x.a', id: null, deposed: null, attributes: ['password'] }]);
    expect(difference.outputs).toEqual({ added: ['fresh'], removed: ['gone'], changed: ['word'] });
    expect(JSON.stringify(difference)).not.toMatch(/hunter|s3cret/);
  });

  it('compares large states in bounded time, and lets others have their turn', async () => {
    const parts = Array.from({ length: 20_000 }, (_, n) => ({
      name: `r${n}`,
      attributes: { id: `id-${n}`, text: 'x'.repeat(400) },
    }));
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    const { unchanged } = await compareStates(stateOf(parts), stateOf(parts));
    clearInterval(timer);
    expect(unchanged).toBe(20_000);
    expect(turns).toBeGreaterThan(5);
  });

  it('refuses what is not JSON', async () => {
    await expect(compareStates(undefined, Buffer.from('no state'))).rejects.toThrow();
  });
});
