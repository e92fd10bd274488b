// The stream of events that answers a call, to its end. One of the initialize era that breaks goes on where it
// broke off, on a connection of its own (2025-11-25 basic/transports §Resumability).

import { GatewayError } from '../core/errors.ts';
import { pause } from '../lib/pause.ts';
import type { SseReader } from '../protocol/sse.ts';
import type { HttpAnswer } from './http-client.ts';
import { mediaType, type Reading, readEvents, sseReader } from './http-read.ts';

export interface Streaming {
  readonly reading: Reading;
  /** Whether the server may keep a stream whose connection is gone. */
  readonly resumes: boolean;
  /** Whether the call has ended: nothing more is read then. */
  over(): boolean;
  /** Asks for what came after an event. */
  again(lastEventId: string): Promise<HttpAnswer>;
  readonly signal: AbortSignal;
}

/** Before the first look when the server names no wait, milliseconds; what it names is as long as it likes. */
const RETRY_MS = 1_000;
/** Looks in a row that bring nothing: a server that lets go of a stream need not say so. */
const FRUITLESS = 10;

/** @throws GatewayError when it ends without the end of the call */
export async function readToEnd(first: HttpAnswer, at: Streaming): Promise<void> {
  const { upstream } = at.reading;
  let reader = sseReader(at.reading);
  await read(first, reader, at);
  // The server may close the connection and keep the stream.
  for (let tries = 0; !at.over() && isResumable(reader, at) && tries < FRUITLESS; tries++) {
    await pause(reader.retry ?? RETRY_MS, at.signal);
    const next = sseReader(at.reading);
    next.lastEventId = reader.lastEventId;
    next.retry = reader.retry;
    if (!(await readOn(next, at))) break;
    if (next.lastEventId !== reader.lastEventId) tries = -1;
    reader = next;
  }
  if (!at.over())
    throw new GatewayError(
      'UPSTREAM_UNAVAILABLE',
      `The upstream "${upstream}" closed the stream before the result.`,
      { upstream },
    );
}

/** @returns false when the server has no more of the stream */
async function readOn(reader: SseReader, at: Streaming): Promise<boolean> {
  try {
    const answer = await at.again(reader.lastEventId);
    if (answer.status === 200 && mediaType(answer) === 'text/event-stream') {
      await read(answer, reader, at);
      return true;
    }
    answer.discard();
    return false;
  } catch (error) {
    unlessResumable(error, reader, at);
    return true;
  }
}

/** As far as the connection brings it. */
async function read(answer: HttpAnswer, reader: SseReader, at: Streaming): Promise<void> {
  await readEvents(answer, reader, at.reading, at.over).catch((error: unknown) =>
    unlessResumable(error, reader, at),
  );
}

function isResumable(reader: SseReader, { resumes }: Streaming): boolean {
  return resumes && reader.lastEventId !== '';
}

function unlessResumable(error: unknown, reader: SseReader, at: Streaming): void {
  const broken = error instanceof GatewayError && error.code === 'UPSTREAM_UNAVAILABLE';
  if (!broken || !isResumable(reader, at)) throw error;
}
