// HTTP/1.1 over TLS, on node:https.

import type { IncomingMessage } from 'node:http';
import { type Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { GatewayError, messageOf } from '../core/errors.ts';
import type { Outbound } from '../core/outbound.ts';
import { createAgents } from './agents.ts';
import { connectWithin, ignore, LateConnection } from './connecting.ts';
import type { HttpAnswer, HttpClient, HttpClientOptions } from './http-client.ts';
import { unreachable, unusable } from './http-faults.ts';

export function createHttpsClient({ upstream, timeouts, lookup, tls, late }: HttpClientOptions): HttpClient {
  const agents = createAgents(tls);

  return {
    send(outbound, signal, sent) {
      const url = new URL(outbound.url);
      if (signal.aborted) return Promise.reject(signal.reason);
      let agent: Agent;
      try {
        agent = agents.current();
      } catch (error) {
        return Promise.reject(unusable(upstream, error));
      }
      const options: RequestOptions = {
        method: outbound.method,
        agent,
        headers: withLength(outbound),
        lookup,
      };
      const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
      const request = httpsRequest(url, options);
      let incoming: IncomingMessage | undefined;
      let stood = false;
      // Not the `signal` option: it ends a connection whose answer is complete, which others may have by then.
      const abort = (): void => {
        if (!incoming?.complete) request.destroy(new Error('aborted'));
      };
      const over = (): void => signal.removeEventListener('abort', abort);
      signal.addEventListener('abort', abort, { once: true });
      const connecting = connectWithin(timeouts, request, (kind) => {
        if (kind === undefined) {
          stood = true;
          return sent?.();
        }
        late?.(kind);
        request.destroy(new LateConnection(upstream, kind, timeouts[kind]));
      });
      request.once('response', (response) => {
        connecting.stands();
        incoming = response;
        for (const event of ['end', 'error', 'close']) response.on(event, over);
        resolve(answer(response, upstream));
      });
      request.on('error', (error) => {
        connecting.over();
        over();
        const { reusedSocket } = request;
        reject(
          signal.aborted ? signal.reason : unreachable(upstream, url, error, { stood, reused: reusedSocket }),
        );
      });
      request.end(outbound.body === '' ? undefined : outbound.body);
      return promise;
    },
    close() {
      agents.close();
    },
  };
}

function withLength({ headers, body, method }: Outbound): Record<string, string> {
  return method === 'POST'
    ? { ...headers, 'content-length': String(Buffer.byteLength(body)) }
    : { ...headers };
}

/** How long an upstream may take to end an answer of which nothing more is wanted. */
const ENDING_MS = 1_000;

function answer(response: IncomingMessage, upstream: string): HttpAnswer {
  let finishing = false;
  const leave = (): void => {
    if (!finishing || response.readableEnded) response.destroy();
    else passOver(response);
  };
  return {
    status: response.statusCode ?? 0,
    header(name) {
      const value = response.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    chunks: body(response, upstream, leave),
    finish() {
      finishing = true;
    },
    discard: () => passOver(response),
  };
}

function passOver(response: IncomingMessage): void {
  const slow = setTimeout(() => response.destroy(), ENDING_MS);
  response.once('close', () => clearTimeout(slow));
  response.on('error', ignore);
  response.resume();
}

async function* body(
  response: IncomingMessage,
  upstream: string,
  leave: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
  } catch (error) {
    throw new GatewayError(
      'UPSTREAM_UNAVAILABLE',
      `The upstream "${upstream}" broke off: ${messageOf(error)}`,
      {
        upstream,
      },
    );
  } finally {
    leave();
  }
}
