import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, config } from '@groundcrew/kit';
import { createTemporaryFolder } from '@groundcrew/testkit';
import { describe, expect, test } from 'vitest';
import { CONFIGURATION, readConfiguration } from './configuration.ts';
import { toFigures } from './figures.ts';
import { START_FIGURES } from './modules/tasks/index.ts';

function mistakesOf(env: Record<string, string>): string[] {
  try {
    readConfiguration(env);
    return [];
  } catch (error) {
    return (error as ConfigError).mistakes.map(({ key }) => key);
  }
}

test('the defaults are those of the specification: loopback, an embedded database, the documented figures', () => {
  const value = readConfiguration({});
  expect(value).toMatchObject({
    listen: { host: '127.0.0.1', port: 8400 },
    database_url: undefined,
    built_in_agent: { enabled: true },
  });
  expect(toFigures(value)).toEqual(START_FIGURES);
});

test('the environment has a name for every key, and the usual ones for some', () => {
  const value = readConfiguration({
    GROUNDCREW_HOME: '/srv/gc',
    DATABASE_URL: 'postgres://a',
    GROUNDCREW_LISTEN_PORT: '0',
    GROUNDCREW_LEASES_RENEW: '500ms',
    GROUNDCREW_LEASES_LEASE: '2s',
    GROUNDCREW_TRUST_PROXY: '10.0.0.0/8, loopback',
  });
  expect(value).toMatchObject({
    home: '/srv/gc',
    database_url: 'postgres://a',
    listen: { port: 0 },
    leases: { renew: 500, lease: 2_000 },
    trust_proxy: ['10.0.0.0/8', 'loopback'],
  });
});

test('secrets come from files too, and a file has the same keys', () => {
  const folder = createTemporaryFolder('configuration');
  writeFileSync(join(folder.path, 'key'), 'c2VjcmV0\n');
  const yaml = join(folder.path, 'server.yaml');
  writeFileSync(yaml, 'master_key_file: key\nlisten: { port: 9000 }\nintervals: { dispatch: 5s }\n');
  expect(readConfiguration({ GROUNDCREW_LISTEN_PORT: '9001' }, yaml)).toMatchObject({
    master_key: 'c2VjcmV0',
    listen: { port: 9001 },
    intervals: { dispatch: 5_000 },
  });
  folder.remove();
});

describe('all mistakes are told at once', () => {
  test('of single keys', () => {
    expect(
      mistakesOf({
        GROUNDCREW_LISTEN_PORT: '70000',
        GROUNDCREW_LOGGING_LEVEL: 'loud',
        GROUNDCREW_LEASES_OFFER: 'soon',
      }),
    ).toEqual(['listen.port', 'logging.level', 'leases.offer']);
  });

  test('of keys that contradict each other', () => {
    const env = {
      GROUNDCREW_LISTEN_HOST: '0.0.0.0',
      GROUNDCREW_TLS_CERT_FILE: '',
      GROUNDCREW_LEASES_LEASE: '20s',
      GROUNDCREW_LEASES_LOST_AFTER: '10s',
      GROUNDCREW_LEASES_KEEPER: '10s',
    };
    expect(mistakesOf(env)).toEqual(['listen.host', 'leases.renew', 'leases.lost_after', 'leases.keeper_gap']);
    expect(mistakesOf({ GROUNDCREW_TLS_CERT_FILE: 'a.pem' })).toEqual(['tls']);
    expect(mistakesOf({ GROUNDCREW_TRUST_PROXY: '10.0.0.0/99' })).toEqual(['trust_proxy']);
  });

  test.each([
    { GROUNDCREW_LISTEN_INSECURE: 'true' },
    { GROUNDCREW_TRUST_PROXY: '10.0.0.1' },
    { GROUNDCREW_TLS_CERT_FILE: 'a', GROUNDCREW_TLS_KEY_FILE: 'b' },
  ])('listening for everybody is fine with %o', (env) =>
    expect(mistakesOf({ GROUNDCREW_LISTEN_HOST: '0.0.0.0', ...env })).toEqual([]),
  );

  test('a secret is never quoted', () => {
    const reading = () => readConfiguration({ DATABASE_URL: `postgres://user:hunter2@host/${'x'.repeat(5_000)}` });
    expect(reading).toThrow(ConfigError);
    expect(reading).not.toThrow('hunter2');
  });
});

test('every key says what it means', () => {
  for (const { key, doc, env } of config.describeConfig(CONFIGURATION, 'GROUNDCREW')) {
    expect(doc, key).toMatch(/^[A-Z].*\.$/);
    expect(env[0], key).toMatch(/^GROUNDCREW_[A-Z_]+$/);
  }
});
