// Notices a connection that ends before its answer, which the SDK's client would wait for without end.

import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { CliError, EXIT } from './exit.ts';

/** @returns a promise that rejects when a request of this connected transport can get no answer any more */
export function lostAnswers(transport: StreamableHTTPClientTransport): Promise<never> {
  const lost = Promise.withResolvers<never>();
  const waiting = new Set<unknown>();
  const { onmessage } = transport;
  const send = transport.send.bind(transport);
  transport.onmessage = (message) => {
    if (!('method' in message)) waiting.delete(message.id);
    onmessage?.(message);
  };
  transport.send = (message, options) => {
    const id = !Array.isArray(message) && 'method' in message && 'id' in message ? message.id : undefined;
    if (id === undefined) return send(message, options);
    waiting.add(id);
    const ended = (): void => {
      options?.onRequestStreamEnd?.();
      if (waiting.has(id))
        lost.reject(
          new CliError(
            EXIT.retryable,
            'the gateway closed the connection before the result',
            'it may have stopped; the call may have been carried out all the same',
          ),
        );
    };
    return send(message, { ...options, onRequestStreamEnd: ended });
  };
  // Whoever does not wait for it must not be ended by it.
  lost.promise.catch(() => {});
  return lost.promise;
}
