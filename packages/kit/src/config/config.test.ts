import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, expectTypeOf, onTestFinished, test } from 'vitest';
import * as config from './index.ts';

const spec = {
  agent: {
    name: config.text({ doc: 'Name that people see.', pattern: /^[a-z0-9-]+$/, env: ['AGENT_NAME'] }),
    token: config.secret({ doc: 'Registers the agent.', env: ['AGENT_TOKEN'] }),
    mode: config.choice(['auto', 'push', 'pull'], { doc: 'How it hears of work.', default: 'auto' }),
    ca_file: config.optional(config.text({ doc: 'Further certificate authorities.' })),
  },
  resources: { max_concurrent_jobs: config.number({ doc: 'Slots.', default: 3, min: 1, max: 100 }) },
  heartbeat: { interval: config.duration({ doc: 'Between two heartbeats.', default: '30s', min: '1s', max: '1h' }) },
  verbose: config.bool({ doc: 'Says more.', default: false }),
  providers: config.list({ doc: 'What it can reach.', default: [] }),
};
const enough = 'agent: { name: one, token: t }';
const read = (yaml: string, env: NodeJS.ProcessEnv = {}) =>
  config.readConfig(spec, { env, envPrefix: 'GROUNDCREW', file: { path: '/etc/agent.yaml', text: yaml } });

function mistakesOf(yaml: string, env: NodeJS.ProcessEnv = {}): string[] {
  try {
    read(yaml, env);
  } catch (error) {
    if (!(error instanceof config.ConfigError)) throw error;
    return error.message.split('\n').slice(1);
  }
  return [];
}

test('values come out typed, durations in milliseconds, defaults where nothing is given', () => {
  const value = read(`${enough}\nheartbeat: { interval: 1m30s }`);
  expect(value).toEqual({
    agent: { name: 'one', token: 't', mode: 'auto', ca_file: undefined },
    resources: { max_concurrent_jobs: 3 },
    heartbeat: { interval: 90_000 },
    verbose: false,
    providers: [],
  });
  expectTypeOf(value.agent.mode).toEqualTypeOf<'auto' | 'push' | 'pull'>();
  expectTypeOf(value.agent.ca_file).toEqualTypeOf<string | undefined>();
  expectTypeOf(value.heartbeat.interval).toEqualTypeOf<number>();
});

test('the environment wins over the file; its own name wins over the further ones; empty counts as not set', () => {
  const env = { AGENT_NAME: 'alias', GROUNDCREW_AGENT_MODE: '', GROUNDCREW_RESOURCES_MAX_CONCURRENT_JOBS: '7' };
  const value = read('agent: { name: one, token: t, mode: pull }', { ...env, GROUNDCREW_PROVIDERS: 'aws, gcp' });
  expect(value.agent).toMatchObject({ name: 'alias', mode: 'pull' });
  expect(value.resources.max_concurrent_jobs).toBe(7);
  expect(value.providers).toEqual(['aws', 'gcp']);
  expect(read(enough, { AGENT_NAME: 'alias', GROUNDCREW_AGENT_NAME: 'own' }).agent.name).toBe('own');
});

test('empty keys of the file count as not given', () => {
  expect(read(`${enough}\nheartbeat:\nverbose:\nresources: { max_concurrent_jobs: "" }`).heartbeat.interval).toBe(
    30_000,
  );
});

test('all mistakes are told at once, each with its key, place, what was found and what is allowed', () => {
  const yaml = `agent:
  nmae: x
  name: Bad Name
  mode: both
resources: { max_concurrent_jobs: 0 }
heartbeat: [30s]
verbose: perhaps
`;
  expect(mistakesOf(yaml, { GROUNDCREW_PROVIDERS: 'a,,b' })).toEqual([
    '  agent.nmae (agent.yaml:2:3): found a key that does not exist; allowed is these keys: name, token, token_file, mode, ca_file.',
    '  heartbeat (agent.yaml:6:12): found a list; allowed is these keys: interval.',
    '  agent.name (agent.yaml:3:9): found "Bad Name"; allowed is text that matches /^[a-z0-9-]+$/.',
    '  agent.token: found nothing; allowed is text of at most 4096 characters.',
    '  agent.mode (agent.yaml:4:9): found "both"; allowed is "auto", "push", "pull".',
    '  resources.max_concurrent_jobs (agent.yaml:5:35): found 0; allowed is a whole number from 1 to 100.',
    '  verbose (agent.yaml:7:10): found "perhaps"; allowed is true or false.',
    '  providers (GROUNDCREW_PROVIDERS): found "a,,b"; allowed is a list of texts.',
  ]);
});

test.each(['a: [', '- just\n- a list', 'agent: {name: a, name: b}', '"text"', 'agent: &a [*a]'])(
  'broken or foreign YAML is a mistake: %s',
  (yaml) => expect(mistakesOf(yaml).join('\n')).toContain('agent.yaml:1:'),
);

test('a missing file is a mistake that names it', () => {
  const reading = () => config.readConfig(spec, { env: {}, envPrefix: 'X', file: { path: '/nowhere/agent.yaml' } });
  expect(reading).toThrow('/nowhere/agent.yaml: found no such file');
});

test('secrets come from files as well, never print, and cannot be given twice', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gc-kit-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'token');
  writeFileSync(path, 'from-file\n');
  expect(read('agent: { name: one }', { GROUNDCREW_AGENT_TOKEN_FILE: path }).agent.token).toBe('from-file');
  expect(read('agent: { name: one }', { AGENT_TOKEN_FILE: path }).agent.token).toBe('from-file');
  const file = { path: join(folder, 'agent.yaml'), text: 'agent: { name: one, token_file: token }' };
  expect(config.readConfig(spec, { env: {}, envPrefix: 'X', file }).agent.token).toBe('from-file');
  expect(mistakesOf(enough, { AGENT_TOKEN: 'a', AGENT_TOKEN_FILE: path })).toHaveLength(1);
  expect(mistakesOf('agent: { name: one, token: a, token_file: b }')).toHaveLength(1);
  expect(mistakesOf(enough, { AGENT_TOKEN_FILE: '/nowhere' }).join()).toContain(
    '/nowhere, which cannot be read: no such file',
  );
  expect(mistakesOf(enough, { AGENT_TOKEN: 'hunter2'.repeat(1000) }).join()).not.toContain('hunter2');
});

test('rules about several keys are asked once every key by itself is right', () => {
  const check = (value: { verbose: boolean }) =>
    value.verbose ? [{ key: 'verbose', found: 'true', allowed: 'false while quiet' }] : [];
  const reading = (yaml: string) =>
    config.readConfig(spec, { env: {}, envPrefix: 'X', file: { path: 'a.yaml', text: yaml }, check });
  expect(() => reading(`${enough}\nverbose: true`)).toThrow('verbose: found true; allowed is false while quiet.');
  expect(() => reading('verbose: true')).not.toThrow('while quiet');
  expect(reading(enough).verbose).toBe(false);
});

test('the reference lists every key with its variables, bounds, default and meaning', () => {
  const rows = config.describeConfig(spec, 'GROUNDCREW');
  expect(rows).toHaveLength(8);
  expect(rows[0]).toEqual({
    key: 'agent.name',
    env: ['GROUNDCREW_AGENT_NAME', 'AGENT_NAME'],
    allowed: 'text that matches /^[a-z0-9-]+$/',
    default: undefined,
    doc: 'Name that people see.',
    isSecret: false,
  });
  expect(rows.find(({ key }) => key === 'heartbeat.interval')?.default).toBe('30s');
  expect(rows.filter(({ isSecret }) => isSecret).map(({ key }) => key)).toEqual(['agent.token']);
  expect(rows.find(({ key }) => key === 'agent.ca_file')?.default).toBe('none');
});

test('sizes, lists given as maps, and empty values that mean something', () => {
  const further = {
    size: config.bytes({ doc: 'Room.', default: '20MB', min: '1KiB', max: '1GB' }),
    labels: config.list({ doc: 'Labels.', default: [], takesMap: true, maxItems: 2 }),
    listen: config.text({ doc: 'Where.', default: 'here', takesEmpty: true }),
  };
  const from = (yaml: string, env = {}) =>
    config.readConfig(further, { env, envPrefix: 'X', file: { path: 'a.yaml', text: yaml } });
  expect(from('')).toEqual({ size: 20_000_000, labels: [], listen: 'here' });
  expect(from('size: 1.5MiB\nlabels: { region: idc1, zone: 3 }\nlisten: ""')).toEqual({
    size: 1_572_864,
    labels: ['region=idc1', 'zone=3'],
    listen: '',
  });
  expect(from('listen:').listen).toBe('here');
  expect(from('', { X_LISTEN: '', X_SIZE: '4096' })).toMatchObject({ size: 4096, listen: 'here' });
  for (const wrong of ['size: 2GB', 'size: 5 apples', 'size: 1', 'labels: [a, b, c]', 'labels: { a: [b] }'])
    expect(() => from(wrong), wrong).toThrow(config.ConfigError);
});
