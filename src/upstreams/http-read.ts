// Reads the messages of an HTTP answer: one JSON value, or a stream of events. Bounded by limits.

import { GatewayError, messageOf } from '../core/errors.ts';
import { isBatch, type Message, MessageError, parseBatch, parseMessage } from '../protocol/jsonrpc.ts';
import { decodeUtf8, JsonError } from '../protocol/raw.ts';
import { SseError, type SseEvent, type SseReader } from '../protocol/sse.ts';
import type { HttpAnswer } from './http-client.ts';
import type { UpstreamLimits } from './spec.ts';

const BATCH = 10_000;

export interface Reading {
  readonly upstream: string;
  readonly limits: UpstreamLimits;
  /** One message; what it returns is waited for before more is read. */
  message(message: Message): Promise<void> | undefined;
  /** Something arrived that is no message. */
  garbage(what: string): void;
}

/** The media type of an answer without its parameters. */
export function mediaType(answer: HttpAnswer): string {
  return (answer.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Parses one text, single or batch (2025-03-26 only), and hands its messages over. */
export async function readText(text: string, reading: Reading): Promise<void> {
  const { json } = reading.limits;
  if (!isBatch(text)) return handOver(() => parseMessage(text, json), reading);
  const texts = unlessGarbage(() => parseBatch(text, json, BATCH), reading) ?? [];
  for (const each of texts) await handOver(() => parseMessage(each, json), reading);
}

async function handOver(parse: () => Message, reading: Reading): Promise<void> {
  const message = unlessGarbage(parse, reading);
  if (message) await reading.message(message);
}

function unlessGarbage<T>(parse: () => T, reading: Reading): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof MessageError || error instanceof JsonError)) throw error;
    reading.garbage(error.message);
    return undefined;
  }
}

/** @throws GatewayError UPSTREAM_INVALID beyond `limits.response` */
export async function readBody(answer: HttpAnswer, { upstream, limits }: Reading): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.chunks) {
    size += chunk.length;
    if (size > limits.response) throw tooLarge(upstream, 'response', limits.response);
    parts.push(chunk);
  }
  try {
    return decodeUtf8(parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts), 'strip');
  } catch (error) {
    throw new GatewayError('UPSTREAM_INVALID', `The upstream "${upstream}" answered ${messageOf(error)}.`, {
      upstream,
    });
  }
}

/** Reads events until the stream ends or `done` says that nothing more is wanted. */
export async function readEvents(
  answer: HttpAnswer,
  reader: SseReader,
  reading: Reading,
  done: () => boolean,
): Promise<void> {
  const hear = async (events: readonly SseEvent[]): Promise<void> => {
    for (const event of events) {
      const payload = event.hasData && event.data !== '' && (event.event ?? 'message') === 'message';
      if (payload) await readText(event.data, reading);
    }
  };
  try {
    for await (const chunk of answer.chunks) {
      await hear(reader.push(chunk));
      if (!done()) continue;
      answer.finish();
      return;
    }
  } catch (error) {
    if (!(error instanceof SseError)) throw error;
    await hear(error.events);
    if (!done()) throw faultOf(error, reading);
  }
}

/** Every event of a stream as it comes. Ending the iteration drops the connection. */
export async function* eventsOf(
  answer: HttpAnswer,
  reader: SseReader,
  reading: Reading,
): AsyncGenerator<SseEvent> {
  try {
    for await (const chunk of answer.chunks) yield* reader.push(chunk);
  } catch (error) {
    if (!(error instanceof SseError)) throw error;
    yield* error.events;
    throw faultOf(error, reading);
  }
}

function faultOf(error: SseError, { upstream, limits }: Reading): GatewayError {
  if (error.kind === 'size') return tooLarge(upstream, 'event', limits.event);
  return new GatewayError('UPSTREAM_INVALID', `The upstream "${upstream}" answered ${error.message}.`, {
    upstream,
  });
}

function tooLarge(upstream: string, limit: 'response' | 'event', bytes: number): GatewayError {
  return new GatewayError(
    'UPSTREAM_INVALID',
    `The upstream "${upstream}" answered more than limits.${limit} allows (${bytes} bytes).`,
    { upstream, limit },
  );
}
