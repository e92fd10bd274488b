// Groups 47, 48, 58: where a request is sent to, by which method, and from where.
import { type Case, changes } from './case.ts';
import { instead } from './cases-request.ts';
import { FIRST } from './scene.ts';
import { CLOSED } from './speak.ts';

const first = FIRST.filter(({ method }) => method === 'POST');

export default [
  ...changes(
    47,
    {
      'up and down': { proof: [], target: (at) => `/x/..${at}` },
      'up and down, encoded': { proof: [], target: (at) => `/x/%2e%2e${at}` },
      'a query': { proof: [], target: (at) => `${at}?/../metrics` },
    },
    { ways: FIRST },
  ),
  ...changes(
    47,
    {
      'a slash behind it': { target: (at) => `${at}/` },
      'two slashes': { target: (at) => `/${at}` },
      'up with a parameter': { target: (at) => `${at}/..;${at}` },
      'a parameter': { target: (at) => `${at};x` },
      'a zero': { target: (at) => `${at}%00` },
      'a letter, encoded': { target: (at) => at.replace('m', '%6d').replace('ss', '%73s') },
      capitals: { target: (at) => at.toUpperCase() },
      'something below': { target: (at) => `${at}/public` },
      'figures of the gateway': { target: () => '/metrics' },
      'its state': { target: () => '/status' },
    },
    { ways: FIRST, status: 404 },
  ),
  ...changes(
    47,
    { 'a slash the other way': { target: (at) => at.replace('/', '\\') } },
    { ways: FIRST, status: 400 },
  ),
  ...changes(
    48,
    {
      'the whole URL': { proof: [], target: (at) => `http://127.0.0.1${at}` },
      'the whole URL of another host': { proof: [], target: (at) => `http://evil.example${at}` },
      'another method, by a header': {
        proof: ['X-HTTP-Method-Override: OPTIONS', 'X-Method-Override: OPTIONS', 'X-HTTP-Method: OPTIONS'],
      },
    },
    { ways: first },
  ),
  ...changes(
    48,
    {
      CONNECT: { method: 'CONNECT' },
      TRACE: { method: 'TRACE' },
      PUT: { method: 'PUT' },
      HEAD: { method: 'HEAD' },
    },
    { ways: first, status: 405 },
  ),
  ...changes(
    48,
    { 'a method in small letters': { method: 'post' }, 'an unknown one': { method: 'DEBUG' } },
    { ways: first, status: CLOSED },
  ),
  ...changes(
    58,
    {
      'another host': instead('host', 'evil.example'),
      'a host that begins alike': instead('host', 'gateway.example.evil.example'),
      'a host that ends alike': instead('host', 'evil-gateway.example'),
      'a page of elsewhere': { lines: ['Origin: https://evil.example'] },
      'a page of nowhere': { lines: ['Origin: null'] },
      'a page that begins alike': { lines: ['Origin: https://gateway.example.evil.example'] },
      'two hosts': { lines: ['Host: evil.example'] },
      'a user in the host': instead('host', 'gateway.example@evil.example'),
      'another host, and no credential': { proof: [], ...instead('host', 'evil.example') },
    },
    { status: 403 },
  ),
  ...changes(58, { 'no host': instead('host') }, { status: 400 }),
] satisfies Case[];
