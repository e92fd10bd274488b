// Reads the messages of an HTTP answer: one JSON value, or a stream of events. Bounded by limits.

import { GatewayError, messageOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { countLimit } from '../core/limit-hit.ts';
import type { Sink } from '../lib/flow.ts';
import { isBatch, type Message, MessageError, parseMessage } from '../protocol/jsonrpc.ts';
import { decodeUtf8, JsonError } from '../protocol/raw.ts';
import { SseError, type SseEvent, SseReader } from '../protocol/sse.ts';
import { textsOf } from './batch.ts';
import type { HttpAnswer } from './http-client.ts';
import type { UpstreamLimits } from './spec.ts';

export interface Reading {
  readonly upstream: string;
  readonly limits: UpstreamLimits;
  readonly host: Host;
  /** One message; what it returns is waited for before more is read. */
  message(message: Message): Promise<void> | undefined;
  /** Where the rest of a message goes that is too long to be held, if it may be passed on. @param head what there is */
  long?(head: Uint8Array): Sink | undefined;
  /** Something arrived that is no message. */
  garbage(what: string): void;
}

/** The media type of an answer without its parameters. */
export function mediaType(answer: HttpAnswer): string {
  return (answer.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Parses one text, single or batch (2025-03-26 only), and hands its messages over. */
export async function readText(text: string, reading: Reading): Promise<void> {
  const { limits, host } = reading;
  const { json } = limits;
  if (!isBatch(text)) return handOver(() => parseMessage(text, json), reading);
  const texts = unlessGarbage(() => textsOf(text, limits, host), reading) ?? [];
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
    countLimit(error, reading.host);
    reading.garbage(error.message);
    return undefined;
  }
}

/** Reads a JSON answer, and hands its messages over. A long result is passed on as it comes. */
export async function readJson(answer: HttpAnswer, reading: Reading): Promise<void> {
  const parts: Uint8Array[] = [];
  let size = 0;
  let sink: Sink | undefined;
  let isAsked = false;
  try {
    for await (const chunk of answer.chunks) {
      size += chunk.length;
      if (sink) sink.push(chunk);
      else parts.push(chunk);
      if (!isAsked && size > reading.limits.streamFrom) {
        isAsked = true;
        sink = reading.long?.(unmarked(joined(parts)));
        if (sink) parts.length = 0;
      }
      if (sink?.over) return;
      if (sink) await sink.room();
      else if (size > reading.limits.response) throw tooLarge(reading, 'response', size);
    }
  } catch (error) {
    sink?.fail(error instanceof Error ? error : new Error(messageOf(error)));
    throw error;
  }
  if (sink) sink.end();
  else await readText(decoded(parts, reading), reading);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
}

/** Without a byte order mark. */
function unmarked(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/** @throws GatewayError UPSTREAM_INVALID beyond `limits.response` */
export async function readBody(answer: HttpAnswer, reading: Reading): Promise<string> {
  const { response } = reading.limits;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.chunks) {
    size += chunk.length;
    if (size > response) throw tooLarge(reading, 'response', size);
    parts.push(chunk);
  }
  return decoded(parts, reading);
}

function decoded(parts: readonly Uint8Array[], { upstream }: Reading): string {
  try {
    return decodeUtf8(joined(parts), 'strip');
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
      const { sink } = reader;
      if (sink?.over) return;
      await sink?.room();
      if (sink || !done()) continue;
      answer.finish();
      return;
    }
    reader.end(brokenOff(reading));
  } catch (error) {
    if (!(error instanceof SseError)) {
      reader.end(error instanceof Error ? error : undefined);
      throw error;
    }
    await hear(error.events);
    // What is passed on may have ended the call already, and still waits for its own end.
    const { sink } = reader;
    if (done() && !sink) return;
    const fault = faultOf(error, reading);
    reader.end(fault);
    throw fault;
  }
}

/**
 * Every event of a stream as it comes. Ending the iteration drops the connection.
 * @param room waits for the client of a result that is passed on
 */
export async function* eventsOf(
  answer: HttpAnswer,
  reader: SseReader,
  reading: Reading,
  room: (sink: Sink) => Promise<void> | undefined = (sink) => sink.room(),
): AsyncGenerator<SseEvent> {
  try {
    for await (const chunk of answer.chunks) {
      yield* reader.push(chunk);
      if (reader.sink) await room(reader.sink);
    }
    reader.end(brokenOff(reading));
  } catch (error) {
    if (!(error instanceof SseError)) {
      reader.end(error instanceof Error ? error : undefined);
      throw error;
    }
    yield* error.events;
    const fault = faultOf(error, reading);
    reader.end(fault);
    throw fault;
  }
}

/** A reader of events for what is read so. */
export function sseReader(reading: Reading): SseReader {
  const { event, streamFrom } = reading.limits;
  return new SseReader({ eventBytes: event, longFrom: streamFrom }, reading.long);
}

function brokenOff({ upstream }: Reading): GatewayError {
  return new GatewayError('UPSTREAM_UNAVAILABLE', `The upstream "${upstream}" broke off.`, { upstream });
}

function faultOf(error: SseError, reading: Reading): GatewayError {
  const { upstream } = reading;
  if (error.kind === 'size') return tooLarge(reading, 'event');
  return new GatewayError('UPSTREAM_INVALID', `The upstream "${upstream}" answered ${error.message}.`, {
    upstream,
  });
}

function tooLarge(
  { upstream, limits, host }: Reading,
  limit: 'response' | 'event',
  seen?: number,
): GatewayError {
  host.metrics.limitHits.inc({ limit });
  const bytes = limits[limit];
  const sofar = seen === undefined ? '' : ` So far there were ${seen}.`;
  return new GatewayError(
    'UPSTREAM_INVALID',
    `The upstream "${upstream}" answered more than limits.${limit} allows (${bytes} bytes).${sofar} Ask it for less, or raise the limit.`,
    { upstream, limit },
  );
}
