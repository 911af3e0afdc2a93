import { expect, test } from 'vitest';
import { decideLocalRequest, type LocalRequest } from './decide-local-request.ts';

const TOKEN = 'a-token-of-enough-length';
const request = (given: Partial<LocalRequest>): LocalRequest => ({
  method: 'GET',
  path: '/health',
  remoteAddress: '127.0.0.1',
  accept: '',
  bearer: undefined,
  hasOrigin: false,
  ...given,
});
const reload = { method: 'POST', path: '/reload' };
const decide = (given: Partial<LocalRequest>) => decideLocalRequest(request(given), (word) => word === TOKEN);
const outcome = (given: Partial<LocalRequest>): string => {
  const choice = decide(given);
  return choice.do === 'refuse' ? String(choice.status) : choice.do === 'metrics' ? `metrics ${choice.as}` : choice.do;
};

test.each<[string, Partial<LocalRequest>]>([
  ['health', {}],
  ['health', { method: 'HEAD' }],
  ['health', { remoteAddress: '10.1.2.3' }],
  ['405', { method: 'POST' }],
  ['metrics json', { path: '/metrics' }],
  ['metrics json', { path: '/metrics', accept: '*/*' }],
  ['metrics text', { path: '/metrics', accept: 'text/plain' }],
  [
    'metrics text',
    { path: '/metrics', accept: 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*' },
  ],
  ['metrics json', { path: '/metrics', accept: 'application/json, text/plain, */*' }],
  ['reload', reload],
  ['reload', { ...reload, remoteAddress: '::1' }],
  ['reload', { ...reload, remoteAddress: '::ffff:127.0.0.1' }],
  ['reload', { ...reload, remoteAddress: '10.1.2.3', bearer: TOKEN }],
  ['reload', { ...reload, bearer: TOKEN, hasOrigin: true }],
  ['405', { path: '/reload' }],
  ['403', { ...reload, remoteAddress: '10.127.0.1' }],
  ['403', { ...reload, remoteAddress: '' }],
  ['403', { ...reload, hasOrigin: true }],
  ['401', { ...reload, bearer: 'wrong' }],
  ['401', { ...reload, remoteAddress: '10.1.2.3', bearer: '' }],
  ['404', { path: '/' }],
  ['404', { path: '/reload/' }],
  ['404', { path: '/__proto__' }],
])('%s for %o', (expected, given) => expect(outcome(given)).toBe(expected));

test('a refusal says what would do', () => {
  expect(decide({ path: '/reload' })).toMatchObject({ allow: 'POST', error: expect.stringContaining('POST') });
  expect(decide({ path: '/x' })).toMatchObject({ error: expect.stringContaining('/health, /metrics and /reload') });
});
