// An upstream of benchmarks: answers of many megabytes, made as they are taken, and how much of them was.

export interface LargeUpstream extends Disposable {
  readonly url: string;
  /** Bytes that its socket has taken since the last reset. */
  readonly sent: number;
  reset(): void;
}

const BLOCK = 65_536;
const META = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };

/** Tools: `result { bytes }` is one large result, `events { bytes }` as much in notifications before a small one. */
export function startLargeUpstream(): LargeUpstream {
  let sent = 0;
  const encoder = new TextEncoder();
  const text = encoder.encode('0123456789abcdef'.repeat(BLOCK / 16));

  async function* result(id: unknown, bytes: number) {
    yield encoder.encode(
      `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"resultType":"complete","content":[{"type":"text","text":"`,
    );
    for (; sent < bytes; sent += BLOCK) yield text.slice();
    yield encoder.encode('"}]}}');
  }

  async function* events(id: unknown, progressToken: unknown, bytes: number) {
    const message = 'x'.repeat(BLOCK - 200);
    for (let progress = 1; sent < bytes; progress++, sent += BLOCK) {
      const params = { progressToken, progress, message };
      yield encoder.encode(
        `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })}\n\n`,
      );
    }
    const last = { jsonrpc: '2.0', id, result: { resultType: 'complete', content: [] } };
    yield encoder.encode(`data: ${JSON.stringify(last)}\n\n`);
  }

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    development: false,
    async fetch(request) {
      if (request.method !== 'POST') return new Response(null, { status: 405 });
      // biome-ignore lint/suspicious/noExplicitAny: whatever came
      const { id, method, params }: any = await request.json();
      if (method === 'server/discover') {
        const capabilities = { tools: {} };
        const known = {
          supportedVersions: ['2026-07-28'],
          capabilities,
          serverInfo: { name: 'l', version: '1' },
        };
        return Response.json({ jsonrpc: '2.0', id, result: { ...known, ...META } });
      }
      if (method === 'tools/list')
        return Response.json({ jsonrpc: '2.0', id, result: { tools: [], ...META } });
      if (method !== 'tools/call') return new Response(null, { status: 202 });
      const { bytes } = params.arguments;
      const isResult = params.name === 'result';
      const body = isResult ? result(id, bytes) : events(id, params._meta.progressToken, bytes);
      return new Response(body as unknown as ReadableStream, {
        headers: { 'content-type': isResult ? 'application/json' : 'text/event-stream' },
      });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/mcp`,
    get sent() {
      return sent;
    },
    reset() {
      sent = 0;
    },
    [Symbol.dispose]: () => void server.stop(true),
  };
}
