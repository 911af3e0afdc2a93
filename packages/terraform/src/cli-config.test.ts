import { describe, expect, it } from 'vitest';
import { renderCliConfig } from './cli-config.ts';
import { quoteHcl } from './hcl/hcl-string.ts';

describe('renderCliConfig', () => {
  it('names no plugin cache and no credentials', () => {
    expect(renderCliConfig()).toBe('disable_checkpoint = true\n');
  });

  it('takes some providers from a mirror and the rest from their registries', () => {
    expect(renderCliConfig({ providerMirror: { path: '/m "x"', include: ['lab.local/*/*'] } })).toBe(
      [
        'disable_checkpoint = true',
        'provider_installation {',
        '  filesystem_mirror {',
        '    path = "/m \\"x\\""',
        '    include = ["lab.local/*/*"]',
        '  }',
        '  direct {',
        '    exclude = ["lab.local/*/*"]',
        '  }',
        '}',
        '',
      ].join('\n'),
    );
    expect(renderCliConfig({ providerMirror: { path: '/m' } })).not.toContain('direct');
  });
});

describe('quoteHcl', () => {
  it('leaves no template and no escape that HCL lacks', () => {
    expect(quoteHcl('a${b}%{c}\b\f\\b"\n')).toBe('"a\\u0024{b}\\u0025{c}\\u0008\\u000c\\\\b\\"\\n"');
  });
});
