// Host and Origin: no page of another site, and no rebound name, reaches a listener.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createGuard, type GuardOptions } from '../../../src/listeners/http-guard.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../../fixtures/in-process.ts';
import { RawConnection, send } from '../../fixtures/wire.ts';

const passes = (options: Partial<GuardOptions>, headers: Record<string, string>): boolean => {
  const guard = createGuard({ hosts: [], origins: [], host: '127.0.0.1', ...options });
  return guard.refuses(new Headers(headers)) === undefined;
};
const host = (value: string, options: Partial<GuardOptions> = {}): boolean =>
  passes(options, { host: value });
const origin = (value: string, options: Partial<GuardOptions> = {}): boolean =>
  passes(options, { host: '127.0.0.1:7420', origin: value });

describe('the Host of a loopback listener', () => {
  for (const good of [
    'localhost',
    'localhost:7420',
    'LOCALHOST:1',
    '127.0.0.1',
    '[::1]',
    '[::1]:7420',
    'localhost.',
    'localhost.:80',
  ]) {
    test(`may be ${good}`, () => expect(host(good)).toBe(true));
  }
  const bad = [
    'evil.example.com',
    'evil.example.com:7420',
    'localhost.evil.example.com',
    'localhost, evil',
    'evil, localhost',
    '',
    'localhost:',
    'localhost:x',
    'localhost:123456',
    'localhost/x',
    'user@localhost',
    '127.0.0.1.nip.io',
    '127.0.0.2',
    '0.0.0.0',
    '[::2]',
    '[::1',
    '::1',
    '2130706433',
    '0x7f000001',
    'localhost..',
    'local host',
    'localhost%00',
    'localhost:65536',
  ];
  for (const value of bad) {
    test(`may not be ${JSON.stringify(value)}`, () => expect(host(value)).toBe(false));
  }
  test('may not be missing', () => expect(passes({}, {})).toBe(false));
});

describe('the Host of any listener', () => {
  test('may be what the configuration names, in any case', () => {
    const options = { host: '0.0.0.0', hosts: ['MCP.example.com', '[2001:db8::1]'] };
    for (const good of ['mcp.example.com', 'Mcp.Example.Com:443', 'mcp.example.com.', '[2001:DB8::1]:80']) {
      expect(host(good, options)).toBe(true);
    }
    expect(host('localhost', options)).toBe(false);
    expect(host('x.mcp.example.com', options)).toBe(false);
  });

  test('with a port is good for that port', () => {
    const options = { host: '0.0.0.0', hosts: ['mcp.example.com:8443', 'plain.example.com:80'] };
    expect(host('mcp.example.com:8443', options)).toBe(true);
    expect(host('mcp.example.com:8444', options)).toBe(false);
    expect(host('mcp.example.com', options)).toBe(false);
    expect(host('plain.example.com', options)).toBe(true);
  });

  test('may be its own address', () => {
    expect(host('192.0.2.7:7420', { host: '192.0.2.7' })).toBe(true);
    expect(host('[fe80::1]:7420', { host: 'FE80::1' })).toBe(true);
  });

  test('means nothing on a Unix socket', () =>
    expect(host('anything at all', { host: undefined })).toBe(true));
});

describe('the Origin', () => {
  test('may be absent', () => expect(passes({}, { host: 'localhost' })).toBe(true));
  for (const good of [
    'http://localhost',
    'http://localhost:3000',
    'https://127.0.0.1:1',
    'http://[::1]:5173',
  ]) {
    test(`of this machine may be ${good}`, () => {
      expect(origin(good)).toBe(true);
      // A listener that other machines reach does not trust the browsers of its own.
      expect(
        passes({ host: '0.0.0.0', hosts: ['mcp.example.com'] }, { host: 'mcp.example.com', origin: good }),
      ).toBe(false);
    });
  }
  const bad = [
    'null',
    '',
    'https://evil.example.com',
    'http://localhost.evil.example.com',
    'http://evil.example.com:7420',
    'file://',
    'chrome-extension://abc',
    'http://localhost, http://evil.example.com',
    'localhost',
    '//localhost',
    'ftp://localhost',
    'http://user@evil.example.com',
    'http://localhost.',
  ];
  for (const value of bad)
    test(`may not be ${JSON.stringify(value)}`, () => expect(origin(value)).toBe(false));

  test('may be one of the configuration, exactly', () => {
    const options = { origins: ['https://app.example.com', 'https://app.example.com:8443'] };
    for (const good of [
      'https://app.example.com',
      'https://APP.example.com',
      'https://app.example.com:8443',
    ]) {
      expect(origin(good, options)).toBe(true);
    }
    for (const no of ['http://app.example.com', 'https://app.example.com:1', 'https://app.example.com/']) {
      expect(origin(no, options)).toBe(false);
    }
  });
});

describe('on the wire', () => {
  let gateway: InProcess;
  const APP = 'https://app.example.com';
  beforeAll(async () => {
    const listeners = [{ http: { listen: '127.0.0.1:0', origins: [APP], hosts: ['mcp.example.com:8443'] } }];
    gateway = await startInProcess(configOf(DEMO, { listeners }));
  });
  afterAll(() => gateway.stop());

  test('a refusal comes before everything else', async () => {
    for (const path of ['', '/nowhere']) {
      for (const method of ['GET', 'POST', 'OPTIONS', 'PUT', 'DELETE']) {
        for (const headers of [{ host: 'evil.example.com' }, { origin: 'https://evil.example.com' }]) {
          const answer = await send(gateway.url + path, {
            method,
            headers: { ...headers, 'content-type': 'text/plain' },
          });
          expect([answer.status, (await answer.json()).error.data]).toEqual([403, { code: 'HOST_REFUSED' }]);
          expect(answer.headers['access-control-allow-origin']).toBeUndefined();
        }
      }
    }
  });

  test('bytes that are no host do not break the listener', async () => {
    for (const value of [
      'a/admin?',
      'x@y',
      'localhost:99999',
      'a b',
      'localhost\r\nhost: evil.example.com',
    ]) {
      const text = await new RawConnection(gateway.url)
        .write(`GET /mcp HTTP/1.1\r\nhost: ${value}\r\nconnection: close\r\n\r\n`)
        .closed();
      expect(text).toMatch(/^HTTP\/1\.1 40[03] /);
      expect(text).not.toContain('at enter');
    }
  });

  test('an allowed host with its port passes', async () => {
    const answer = await send(gateway.url, { method: 'GET', headers: { host: 'mcp.example.com:8443' } });
    expect(answer.status).toBe(400);
    await answer.text();
  });

  test('a preflight needs no credential, and allows what clients of either era send', async () => {
    const asked = 'content-type,mcp-method,Mcp-Param-Region,mcp-param-a b,x-other';
    const headers = {
      origin: APP,
      'access-control-request-method': 'POST',
      'access-control-request-headers': asked,
    };
    const answer = await send(gateway.url, { method: 'OPTIONS', headers });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': APP,
      'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
      vary: 'origin',
    });
    const allowed = answer.headers['access-control-allow-headers']?.split(', ');
    expect(allowed).toContainValues([
      'authorization',
      'mcp-session-id',
      'mcp-protocol-version',
      'mcp-name',
      'last-event-id',
    ]);
    expect(allowed).toContain('mcp-param-region');
    expect(allowed?.filter((name) => name.includes('x-other') || name.includes(' '))).toEqual([]);
  });

  test('a page may read the headers it needs', async () => {
    const answer = await send(gateway.url, { body: '{}', headers: { origin: APP } });
    expect(answer.headers['access-control-expose-headers']).toBe(
      'mcp-session-id, www-authenticate, retry-after, dpop-nonce, x-request-id',
    );
    expect(answer.headers['access-control-allow-origin']).toBe(APP);
    await answer.text();
    const plain = await send(gateway.url, { body: '{}' });
    expect(plain.headers['access-control-allow-origin']).toBeUndefined();
    await plain.text();
  });
});
