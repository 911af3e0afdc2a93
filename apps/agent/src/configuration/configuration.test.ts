import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, createFakeClock, createLogger } from '@groundcrew/kit';
import { createTemporaryFolder } from '@groundcrew/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLiveConfiguration, HOT_KEYS, readAgentConfiguration, sentenceOf } from './index.ts';
import { describeAgentConfiguration } from './read.ts';
import { formatReference, readReference } from './reference.ts';
import { TOLD_KEYS } from './spec.ts';

const ENOUGH = { SERVER_URL: 'http://127.0.0.1:8400', AGENT_TOKEN: 'apt_x' };

function fileWith(yaml: string): string {
  const folder = createTemporaryFolder('agent-configuration');
  onTestFinished(() => folder.remove());
  const path = join(folder.path, 'agent.yaml');
  writeFileSync(path, yaml);
  return path;
}

function mistakesOf(yaml: string, env: Record<string, string> = ENOUGH): string[] {
  try {
    readAgentConfiguration(fileWith(yaml), env);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes.map(({ key, found }) => `${key}: ${found}`);
    throw error;
  }
  return [];
}

/** The file of the specification, whole. */
const DOCUMENTED = `
agent:
  name: "agent-001"
  agent_id: ""
  pool_id: "pool-aaaaaaaaaaaaaaaaaaaa"
  server_url: "https://groundcrew.example.com"
  token: "agt_x"
  ca_file: ""
  mode: auto
capabilities:
  terraform_versions: ["1.8.5", "1.11.4"]
  providers: ["aws", "azure", "gcp", hashicorp/aws]
labels: { region: idc1 }
resources:
  max_concurrent_jobs: 3
  workspace_dir: "/var/lib/groundcrew/work"
heartbeat: { interval: 30s, timeout: 10s }
http:      { listen: "127.0.0.1:8081" }
daemon:    { url: "", socket_path: "" }
state_file: ""
logging:   { level: info, format: json, file: "/var/log/groundcrew/agent.log" }
`;

test('the documented file is taken as it stands', () => {
  expect(readAgentConfiguration(fileWith(DOCUMENTED), {})).toMatchObject({
    agent: { name: 'agent-001', agent_id: undefined, token: 'agt_x' },
    labels: ['region=idc1'],
    http: { listen: '127.0.0.1:8081', token: undefined },
    daemon: { url: '', socket_path: '' },
    state_file: '',
    logging: { format: 'json', max_size: 20_000_000, max_files: 5 },
  });
});

test('every key can come from the environment, those of containers by their short names as well', () => {
  const values: Record<string, string> = {
    'agent.name': 'pod-1',
    'agent.pool_id': 'pool-1',
    'agent.server_url': 'http://server:8400',
    'agent.token': 'apt_token',
  };
  const short = { AGENT_NAME: 'pod-1', POOL_ID: 'pool-1', SERVER_URL: 'http://server:8400', AGENT_TOKEN: 'apt_token' };
  const { agent } = readAgentConfiguration(undefined, short);
  expect(agent).toMatchObject({
    name: 'pod-1',
    pool_id: 'pool-1',
    server_url: 'http://server:8400',
    token: 'apt_token',
  });
  const env = Object.fromEntries(
    describeAgentConfiguration().flatMap((row) => {
      const value = values[row.key] ?? valueFor(row);
      return value === undefined ? [] : [[row.env[0] ?? '', value]];
    }),
  );
  expect(Object.keys(env).length).toBeGreaterThan(40);
  const all = readAgentConfiguration(undefined, env);
  expect(all).toMatchObject({
    agent: { name: 'pod-1', token: 'apt_token' },
    http: { listen: '127.0.0.1:8081', token: 'a-token-of-enough-length' },
    daemon: { url: 'http://127.0.0.1:1', socket_path: '/run/daemon.sock', interval: 10_000 },
    state_file: '/run/agent.json',
    logging: { format: 'text', max_size: 1_000_000 },
    labels: ['a=b', 'c'],
  });
});

/** Something allowed for a key, other than nothing. */
function valueFor({ key, default: fallback }: { key: string; default: string | undefined }): string | undefined {
  const given: Record<string, string> = {
    'agent.agent_id': 'host-1',
    labels: 'a=b,c',
    'http.token': 'a-token-of-enough-length',
    'daemon.url': 'http://127.0.0.1:1',
    'daemon.socket_path': '/run/daemon.sock',
    state_file: '/run/agent.json',
    'logging.format': 'text',
    'logging.max_size': '1MB',
    'capabilities.terraform_versions': '1.11.4',
    'capabilities.providers': 'aws',
    'resources.runner_uid': '1000',
    'resources.runner_gid': '1000',
  };
  if (given[key] !== undefined) return given[key];
  return fallback === undefined || fallback === 'none' ? 'x' : fallback.replaceAll('"', '') || 'x';
}

test('a reload token may come from a file', () => {
  const path = fileWith('a-token-of-enough-length\n');
  const { http } = readAgentConfiguration(undefined, { ...ENOUGH, GROUNDCREW_HTTP_TOKEN_FILE: path });
  expect(http.token).toBe('a-token-of-enough-length');
});

describe('the agent’s own HTTP', () => {
  test.each([
    ['http: { listen: "" }', ''],
    ['http: { listen: off }', 'off'],
    ['http: { listen: "[::1]:9000" }', '[::1]:9000'],
    ['http: { listen: "0.0.0.0:0" }', '0.0.0.0:0'],
    ['', '127.0.0.1:8081'],
  ])('%s', (yaml, listen) => expect(readAgentConfiguration(fileWith(yaml), ENOUGH).http.listen).toBe(listen));

  test.each(['8081', '127.0.0.1', '127.0.0.1:65536', ':8081', 'http://127.0.0.1:8081'])('%s is a mistake', (listen) =>
    expect(mistakesOf(`http: { listen: "${listen}" }`)).toHaveLength(1),
  );
});

test('all mistakes of the new keys are told at once', () => {
  const yaml = `
http: { listen: nowhere, token: short }
daemon: { url: "ftp://x", socket_path: relative, interval: 0s }
logging: { format: xml, max_size: 1B, max_files: 0 }
adaptive: { enabled: perhaps, cpu_high: 2, sustain: 1s }
labels: ["=nothing"]
`;
  const keys = mistakesOf(yaml).map((mistake) => mistake.split(':')[0]);
  expect(keys.toSorted()).toEqual(
    [
      'adaptive.cpu_high',
      'adaptive.enabled',
      'adaptive.sustain',
      'daemon.interval',
      'daemon.socket_path',
      'daemon.url',
      'http.listen',
      'http.token',
      'labels',
      'logging.format',
      'logging.max_files',
      'logging.max_size',
    ].toSorted(),
  );
  expect(mistakesOf(yaml).join()).not.toContain('short');
});

test('thresholds that cross and a daemon elsewhere in the clear are mistakes', () => {
  expect(mistakesOf('adaptive: { cpu_low: 0.9, memory_high: 0.5 }\ndaemon: { url: "http://10.0.0.1:1" }')).toEqual([
    'adaptive.cpu_low: 0.9',
    'adaptive.memory_low: 0.85',
    'daemon.url: "http://10.0.0.1:1"',
  ]);
  // Found at the start, where it would have ended the agent with no word of the key.
  for (const url of ['https://[oops', 'https://host:99999'])
    expect(mistakesOf(`daemon: { url: "${url}" }`)).toEqual([`daemon.url: "${url}"`]);
  for (const url of ['https://10.0.0.1:1', 'http://localhost:1', 'http://[::1]:1'])
    expect(mistakesOf(`daemon: { url: "${url}" }`)).toEqual([]);
});

test('the reference in the docs is what the specification comes to', () => {
  expect(readReference(), 'run node apps/agent/src/configuration/reference.ts --write').toBe(formatReference());
  const keys = describeAgentConfiguration().map(({ key }) => key);
  for (const key of [...HOT_KEYS, ...TOLD_KEYS]) expect(keys).toContain(key);
  for (const key of TOLD_KEYS) expect(HOT_KEYS.has(key), key).toBe(true);
});

describe('read again', () => {
  function start(yaml: string) {
    const path = fileWith(yaml);
    const lines: string[] = [];
    const logger = createLogger({ name: 'test', destination: { write: (line) => void lines.push(line) } });
    const live = createLiveConfiguration(readAgentConfiguration(path, ENOUGH), {
      path,
      env: ENOUGH,
      clock: createFakeClock(),
      logger,
    });
    return { live, lines, path, put: (text: string) => writeFileSync(path, text) };
  }

  test('hot keys count at once and are told, the others from the next start on', () => {
    const { live, put } = start('labels: [a]');
    const told: string[][] = [];
    live.onChange((_current, changed) => told.push([...changed]));
    put('labels: [a, b]\nheartbeat: { interval: 5s }\nstate_file: /x');
    const outcome = live.reload('test');
    expect(sentenceOf(outcome)).toBe('In force: labels, heartbeat.interval. From the next start on: state_file.');
    expect(told).toEqual([['labels', 'heartbeat.interval']]);
    expect(live.current).toMatchObject({ labels: ['a', 'b'], heartbeat: { interval: 5_000 }, state_file: '' });
    expect(live).toMatchObject({ revision: 2, restartNeeded: ['state_file'] });
    expect(sentenceOf(live.reload('test'))).toBe(
      'Nothing has changed that counts at once. From the next start on: state_file.',
    );
    expect(live.revision).toBe(2);
  });

  /** Each line nine times the one before. */
  const multiplying = [...'bcdefg'].reduce(
    (yaml, name, n) => `${yaml}${name}: &${name} [${`*${'abcdef'[n]},`.repeat(9)}]\n`,
    'a: &a [x]\n',
  );

  test.each([
    ['broken', 'labels: ['],
    ['a list', '- labels'],
    ['with a secret that lacks its quotes', 'labels: [*very-secret]'],
    ['with aliases that multiply', `${multiplying}labels: *g`],
    ['half of it', 'labels: [a]\nheart'],
    ['with several mistakes', 'heartbeat: { interval: never }\nlogging: { level: loud }'],
  ])('%s, the previous one stays and everything is said', (_what, text) => {
    const { live, lines, put } = start('labels: [a]');
    put(text);
    const outcome = live.reload('test');
    expect(outcome.kind).toBe('refused');
    expect(live.current.labels).toEqual(['a']);
    expect(live.counts()).toEqual({ reloaded: 0, refused: 1 });
    expect(lines.join()).toContain('the configuration stays as it was');
    expect(lines.join()).not.toContain('very-secret');
    if (text.includes('loud')) expect(sentenceOf(outcome)).toMatch(/heartbeat\.interval.*\n.*logging\.level/);
  });

  test('gone or no file, the previous one stays and that is said; when it is back, it counts', () => {
    const { live, lines, path, put } = start('labels: [a]');
    for (const replace of [() => rmSync(path), () => mkdirSync(path)]) {
      replace();
      expect(live.reload('test').kind).toBe('refused');
      expect(lines.at(-1)).toContain(path);
    }
    rmdirSync(path);
    put('labels: [back]');
    expect(live.reload('test').kind).toBe('reloaded');
    expect(live.current.labels).toEqual(['back']);
    expect(live.counts()).toEqual({ reloaded: 1, refused: 2 });
  });
});
