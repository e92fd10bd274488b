// The HttpClient face of a server that lives in this process: the embedded demo upstream.

import { GatewayError, messageOf } from '../core/errors.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';

/** @param serve answers a request as an HTTP server would, streaming its body */
export function createFetchClient(
  serve: (request: Request) => Promise<Response>,
  upstream: string,
): HttpClient {
  return {
    async send({ method, url, headers, body }, signal, sent) {
      signal.throwIfAborted();
      const request = new Request(url, { method, headers, signal, ...(method === 'POST' ? { body } : {}) });
      try {
        const served = serve(request);
        sent?.();
        return answer(await served, signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw new GatewayError(
          'UPSTREAM_UNAVAILABLE',
          `The upstream "${upstream}" failed: ${messageOf(error)}`,
          {
            upstream,
          },
        );
      }
    },
    close() {},
  };
}

function answer(response: Response, signal: AbortSignal): HttpAnswer {
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    chunks: body(response, signal),
    // There is no connection to keep.
    finish() {},
    discard: () => void response.body?.cancel().catch(() => {}),
  };
}

async function* body(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const reader = response.body.getReader();
  const stop = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}
