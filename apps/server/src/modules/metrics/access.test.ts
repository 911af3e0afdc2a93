import { expect, test } from 'vitest';
import { demandMetricsReader, type Reader } from './access.ts';

const TOKEN = 'a-token-of-the-tests';
const codeOf = (reader: Reader, token?: string): string => {
  try {
    demandMetricsReader(reader, token);
    return 'may';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const from = (address: string | undefined, headers: Reader['headers'] = { host: '127.0.0.1:8400' }) => ({
  address,
  headers,
});

test.each([
  ['this machine', from('127.0.0.1'), 'may'],
  ['this machine, by another of its addresses', from('127.3.2.1', { host: '127.3.2.1:8400' }), 'may'],
  ['this machine, by IPv6', from('::1', { host: '[::1]:8400' }), 'may'],
  ['this machine, by a mapped address', from('::ffff:127.0.0.1', { host: 'localhost' }), 'may'],
  ['another machine', from('10.0.0.9'), 'forbidden'],
  ['another machine that looks like this one', from('::ffff:10.127.0.1'), 'forbidden'],
  ['nobody knows', from(undefined), 'forbidden'],
  ['a proxy here', from('127.0.0.1', { host: '127.0.0.1', 'x-forwarded-for': '10.0.0.9' }), 'forbidden'],
  ['a proxy here of another make', from('127.0.0.1', { host: 'localhost', via: '1.1 proxy' }), 'forbidden'],
  ['a proxy here that says nothing', from('127.0.0.1', { host: 'groundcrew.example.com' }), 'forbidden'],
  ['a page that made its name lead here', from('127.0.0.1', { host: '127.0.0.1.example.com:8400' }), 'forbidden'],
  ['no host at all', from('127.0.0.1', {}), 'forbidden'],
])('without a token: %s', (_who, reader, expected) => expect(codeOf(reader)).toBe(expected));

test.each([
  ['the token', `Bearer ${TOKEN}`, 'may'],
  ['nothing', undefined, 'unauthenticated'],
  ['another token', 'Bearer another-token-of-the-tests', 'unauthenticated'],
  ['its beginning', `Bearer ${TOKEN.slice(0, -1)}`, 'unauthenticated'],
  ['an empty one', 'Bearer ', 'unauthenticated'],
  ['another scheme', `Basic ${TOKEN}`, 'unauthenticated'],
])('with a token, from anywhere: %s', (_what, authorization, expected) => {
  for (const address of ['127.0.0.1', '10.0.0.9'])
    expect(codeOf(from(address, { host: '127.0.0.1', ...(authorization && { authorization }) }), TOKEN)).toBe(expected);
});
