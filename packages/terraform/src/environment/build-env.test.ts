import { describe, expect, it } from 'vitest';
import { buildEnv } from './build-env.ts';

const base = { path: '/bin', home: '/h', tmp: '/t', cliConfigFile: '/c', userEnv: {} };
const backend = { address: 'http://127.0.0.1:1/s', username: 'u', password: 'p' };

describe('buildEnv', () => {
  it('holds nothing of the process it is built in', () => {
    process.env.AGENT_SECRET_FOR_TEST = 'leak';
    try {
      const { env } = buildEnv({ ...base, backend });
      expect(Object.keys(env).sort()).toEqual([
        'CHECKPOINT_DISABLE',
        'HOME',
        'LANG',
        'PATH',
        'TF_CLI_CONFIG_FILE',
        'TF_HTTP_ADDRESS',
        'TF_HTTP_LOCK_ADDRESS',
        'TF_HTTP_LOCK_METHOD',
        'TF_HTTP_PASSWORD',
        'TF_HTTP_RETRY_MAX',
        'TF_HTTP_RETRY_WAIT_MAX',
        'TF_HTTP_RETRY_WAIT_MIN',
        'TF_HTTP_UNLOCK_ADDRESS',
        'TF_HTTP_UNLOCK_METHOD',
        'TF_HTTP_UPDATE_METHOD',
        'TF_HTTP_USERNAME',
        'TF_INPUT',
        'TF_IN_AUTOMATION',
        'TMPDIR',
      ]);
    } finally {
      delete process.env.AGENT_SECRET_FOR_TEST;
    }
  });

  it('lets Terraform retry for as long as a relay may be away', () => {
    expect(buildEnv({ ...base, backend }).env).toMatchObject({
      TF_HTTP_RETRY_MAX: '2880',
      TF_HTTP_RETRY_WAIT_MAX: '30',
    });
  });

  it('has no word of the back end for commands without one', () => {
    expect(Object.keys(buildEnv(base).env).filter((name) => name.startsWith('TF_HTTP_'))).toEqual([]);
  });

  it('passes on what belongs to the user', () => {
    const userEnv = {
      AWS_SECRET_ACCESS_KEY: 'k',
      TF_VAR_a: '1',
      TF_TOKEN_tfe__lab_local: 't',
      HTTPS_PROXY: 'http://p',
      LANG: 'de_DE.UTF-8',
    };
    const { env, refused } = buildEnv({ ...base, userEnv });
    expect(refused).toEqual([]);
    expect(env).toMatchObject(userEnv);
  });

  it.each([
    'TF_CLI_ARGS',
    'TF_CLI_ARGS_plan',
    'TF_WORKSPACE',
    'TF_DATA_DIR',
    'TF_LOG',
    'TF_LOG_PATH',
    'TF_LOG_CORE',
    'TF_REATTACH_PROVIDERS',
    'TF_HTTP_ADDRESS',
    'TF_CLI_CONFIG_FILE',
    'TERRAFORM_CONFIG',
    'TF_PLUGIN_CACHE_DIR',
    'TF_INPUT',
    'TF_IN_AUTOMATION',
    'LD_PRELOAD',
    'GROUNDCREW_URL',
    'PATH',
    'HOME',
    'TMPDIR',
    'TF_STATE_PERSIST_INTERVAL',
    'TF_FORCE_LOCAL_BACKEND',
  ])('refuses %s with a way out', (name) => {
    const { env, refused } = buildEnv({ ...base, backend, userEnv: { [name]: 'evil-value' } });
    expect(Object.values(env)).not.toContain('evil-value');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toMatch(new RegExp(`^The environment variable ${name} is reserved: .{10,}\\.$`));
  });

  it('refuses what execve would not take, without repeating the value', () => {
    const secret = 's3cret'.repeat(20_000);
    const { env, refused } = buildEnv({
      ...base,
      userEnv: { TF_VAR_big: secret, BIG: secret, NUL: 'a\0b', '1x': 'v', 'a=b': 'v', '': 'v' },
    });
    expect(refused.map((r) => r.name).sort()).toEqual(['', '1x', 'BIG', 'NUL', 'TF_VAR_big', 'a=b']);
    expect(refused.find((r) => r.name === 'TF_VAR_big')?.reason).toContain('Make "big" a Terraform variable');
    expect(JSON.stringify(refused)).not.toContain('s3cret');
    expect(env.TF_VAR_big).toBeUndefined();
  });

  it('bounds the whole', () => {
    const userEnv = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`V${i}`, 'x'.repeat(50_000)]));
    const { env, refused } = buildEnv({ ...base, userEnv });
    const bytes = Object.entries(env).reduce((sum, [k, v]) => sum + k.length + v.length + 2, 0);
    expect(bytes).toBeLessThan(1_010_000);
    expect(refused.length).toBeGreaterThan(5);
    expect(refused[0]?.reason).toContain('in all');
  });
});
