// The head of an answer: what is read, what is refused, and that a request is written as it is meant.
import { describe, expect, test } from 'bun:test';
import { fieldsOf, parseHead, requestBytes } from '../../../src/upstreams/http1-head.ts';

const head = (...lines: string[]) => parseHead(['HTTP/1.1 200 OK', ...lines].join('\r\n'));

describe('what is taken', () => {
  test('the first value of a header by its lower-case name, without white space around it', () => {
    const { status, headers } = head('Content-Type:\t application/json \t', 'X-A: 1', 'x-a: 2', 'Empty:');
    expect(status).toBe(200);
    expect([...headers]).toEqual([
      ['content-type', 'application/json'],
      ['x-a', '1'],
      ['empty', ''],
    ]);
  });

  test.each([
    ['HTTP/1.1 200 OK', 200],
    ['HTTP/1.1 503 ', 503],
    ['HTTP/1.1 404', 404],
    ['HTTP/1.0 200 Très bien', 200],
  ])('the status line %j', (line, status) => {
    expect(parseHead(line).status).toBe(status);
  });

  test.each([
    [['Content-Length: 12'], { kind: 'length', bytes: 12 }],
    [['Content-Length: 0'], { kind: 'none' }],
    [['Content-Length: 7', 'content-length: 7'], { kind: 'length', bytes: 7 }],
    [['Content-Length: 7, 7'], { kind: 'length', bytes: 7 }],
    [['Transfer-Encoding: Chunked'], { kind: 'chunked' }],
    [[], { kind: 'close' }],
  ])('a body by %j', (lines, framing) => {
    expect(head(...lines).framing).toEqual(framing as never);
  });

  test.each([204, 304, 100, 103])('no body after %d, whatever is said of one', (status) => {
    const { framing } = parseHead(`HTTP/1.1 ${status} x\r\nContent-Length: 10`);
    expect(framing).toEqual({ kind: 'none' });
  });

  test.each([
    ['HTTP/1.1 200 OK\r\nContent-Length: 1', true],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: x, Close', false],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: x\r\nConnection: close', false],
    ['HTTP/1.1 200 OK', false],
    ['HTTP/1.0 200 OK\r\nContent-Length: 1', false],
    ['HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive', true],
  ])('of %j whether the connection is kept', (text, isKept) => {
    expect(parseHead(text).isKept).toBe(isKept);
  });

  test.each([
    ['timeout=5', 5_000],
    ['timeout=5, max=100', 5_000],
    ['max=3;timeout=0', 0],
    ['max=3', undefined],
    ['nottimeout=9', undefined],
  ])('Keep-Alive: %s', (value, ms) => {
    expect(head('Content-Length: 1', `Keep-Alive: ${value}`).keptFor).toBe(ms as number);
  });
});

describe('what is refused', () => {
  test.each([
    ['SSH-2.0-OpenSSH_9.9', 'did not answer in HTTP/1.1'],
    ['HTTP/2.0 200 OK', 'did not answer in HTTP/1.1'],
    ['HTTP/0.9 200 OK', 'did not answer in HTTP/1.1'],
    ['http/1.1 200 OK', 'did not answer in HTTP/1.1'],
    ['HTTP/1.1  200 OK', 'did not answer in HTTP/1.1'],
    ['HTTP/1.1 20 OK', 'did not answer in HTTP/1.1'],
    ['HTTP/1.1 099 OK', 'did not answer in HTTP/1.1'],
    ['HTTP/1.1 2000 OK', 'did not answer in HTTP/1.1'],
    ['HTTP/1.1 200 O\x00K', 'did not answer in HTTP/1.1'],
    ['HTTP/1.1 200 OK\nX: y', 'did not answer in HTTP/1.1'],
  ])('the status line %j', (line, why) => {
    expect(() => parseHead(line)).toThrow(why);
  });

  test.each([
    'No colon',
    ': no name',
    'Space before : colon',
    ' Folded: line',
    '\tfolded: line',
    'X\x00: y',
    'X(y): z',
    '',
  ])('the field %j', (line) => {
    expect(() => head('X: y', line, 'Z: z')).toThrow('malformed header field');
  });

  test.each(['a\nb', 'a\rb', 'a\x00b', 'a\x7fb', 'a\x1bb'])('the value %j', (value) => {
    expect(() => head(`X: ${value}`)).toThrow('forbidden character in X');
  });

  test.each([
    [['Content-Length: 5', 'Transfer-Encoding: chunked']],
    [['Transfer-Encoding: gzip, chunked']],
    [['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
    [['Transfer-Encoding: identity']],
    [['Transfer-Encoding: chunked;q=1']],
    [['Transfer-Encoding:']],
  ])('a body that ends in two ways: %j', (lines) => {
    expect(() => head(...lines)).toThrow('can be read in two ways');
  });

  test('chunks of an older server', () => {
    expect(() => parseHead('HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked')).toThrow('in two ways');
  });

  test.each(['', '-1', '+5', '0x10', '5 5', '1e3', '5;', '5,6', '5,', '1234567890123456'])(
    'Content-Length: %j',
    (length) => {
      expect(() => head(`Content-Length: ${length}`)).toThrow('malformed Content-Length');
    },
  );

  test('lengths that differ', () => {
    expect(() => head('Content-Length: 5', 'Content-Length: 6')).toThrow('malformed Content-Length');
  });

  test('too many fields', () => {
    const fields = (count: number): string[] => Array.from({ length: count }, (_, n) => `X-${n}: y`);
    expect(fieldsOf(fields(200)).first.size).toBe(200);
    expect(() => fieldsOf(fields(201))).toThrow('more than 200');
  });
});

describe('a request', () => {
  const written = (headers: Record<string, string>, body = '{"ü":1}') =>
    requestBytes(
      { transport: 'http', method: 'POST', url: '', headers, body },
      'example.com:81',
      '/mcp?x',
    ).toString();

  test('has its head, the length of its body in bytes, and the body', () => {
    expect(written({ accept: 'a/b', 'x-y': 'z' })).toBe(
      'POST /mcp?x HTTP/1.1\r\nhost: example.com:81\r\nconnection: keep-alive\r\naccept: a/b\r\nx-y: z\r\ncontent-length: 8\r\n\r\n{"ü":1}',
    );
  });

  test('without a body says so, unless none can be expected', () => {
    expect(written({}, '')).toEndWith('\r\ncontent-length: 0\r\n\r\n');
    const get = requestBytes({ transport: 'http', method: 'GET', url: '', headers: {}, body: '' }, 'h', '/');
    expect(get.toString()).toBe('GET / HTTP/1.1\r\nhost: h\r\nconnection: keep-alive\r\n\r\n');
  });

  test('keeps a host that it is given, and what frames it is its own', () => {
    const text = written({
      host: 'other',
      'content-length': '1',
      'transfer-encoding': 'chunked',
      upgrade: 'x',
      'Content-Length': '2',
      'Transfer-Encoding': 'chunked',
    });
    expect(text).toStartWith(
      'POST /mcp?x HTTP/1.1\r\nhost: other\r\nconnection: keep-alive\r\ncontent-length: 8\r\n\r\n',
    );
  });

  test.each([
    ['x', 'a\r\nb: c'],
    ['x', 'a\nb'],
    ['x', '\x00'],
    ['x', '→'],
    ['x y', 'z'],
    ['x\r\ny', 'z'],
    ['', 'z'],
    ['host', 'a\r\nb: c'],
  ])('is not written with the header %j: %j', (name, value) => {
    expect(() => written({ [name]: value })).toThrow('a character that a header cannot have');
  });

  test('has values of latin-1 as they are', () => {
    const bytes = requestBytes(
      { transport: 'http', method: 'POST', url: '', headers: { x: 'é' }, body: 'é' },
      'h',
      '/',
    );
    expect(bytes.toString('latin1')).toEndWith('x: é\r\ncontent-length: 2\r\n\r\nÃ©');
  });
});
