import { describe, expect, it } from 'vitest';
import { findTarget, type TargetSources } from './find-target.ts';

const home = { url: 'http://127.0.0.1:8400', token: 'gct_home' };
const own = { url: 'https://gc.example.com', token: 'gct_own', ca_file: '/ca.pem' };
const find = (more: Partial<TargetSources>) =>
  findTarget({
    flags: {},
    env: {},
    commandName: 'groundcrew',
    profiles: [
      ['/home.json', home],
      ['/own.json', own],
    ],
    ...more,
  });

describe('the server to talk to', () => {
  it('is that of the first profile', () => {
    expect(find({})).toEqual({ url: home.url, token: 'gct_home', allowInsecure: false, source: '/home.json' });
  });

  it('can be named, with the profile that belongs to it', () => {
    const flags = { url: 'https://gc.example.com/' };
    expect(find({ flags })).toMatchObject({ token: 'gct_own', caFile: '/ca.pem', source: '--url' });
    expect(find({ env: { GROUNDCREW_URL: own.url } })).toMatchObject({ token: 'gct_own', source: 'GROUNDCREW_URL' });
  });

  it('is never sent the token of another', () => {
    expect(() => find({ flags: { url: 'https://evil.example.com' } })).toThrow(
      'You are not signed in to https://evil.example.com. Type: groundcrew login https://evil.example.com',
    );
  });

  it('gets the token of the environment, which somebody set on purpose', () => {
    const env = { GROUNDCREW_URL: 'https://other.example.com', GROUNDCREW_TOKEN: 'gct_env' };
    expect(find({ env })).toMatchObject({ url: 'https://other.example.com', token: 'gct_env' });
    expect(find({ env: { GROUNDCREW_TOKEN: 'gct_env' } })).toMatchObject({ url: home.url, token: 'gct_env' });
  });

  it('has to be known', () => {
    expect(() => find({ profiles: [['/home.json', undefined]] })).toThrow(/"groundcrew up" starts a server here/);
  });
});
