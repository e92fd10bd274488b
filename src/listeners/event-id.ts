// What the id of an event says: which stream of the session it stands on, where, and whose answer the stream
// carries. Clients hand it back as Last-Event-ID, so all of it may be made up.

import { type RawId, readId } from '../protocol/jsonrpc.ts';

export interface EventId {
  /** The answer to a POST, or the session's standing GET stream. */
  readonly kind: 'answer' | 'standing';
  /** The stream's name: random, so that a session which outlives its process meets no other stream by it. */
  readonly stream: string;
  /** The event's place on its stream. */
  readonly place: number;
  /** The request that the stream answers, so that its client can be told when the answer is lost. */
  readonly request: RawId | undefined;
  /** Whether nothing comes after it. */
  readonly last: boolean;
}

/** Ids are repeated with every event; a longer one is left out. */
const LONGEST_REQUEST = 64;
const FORM = /^([as])\.([\w-]{12})\.(0|[1-9]\d{0,11})(?:\.([\w-]{1,96}))?(!)?$/;

export function writeEventId({ kind, stream, place, request, last }: EventId): string {
  const whose =
    request && request.text.length <= LONGEST_REQUEST
      ? `.${Buffer.from(request.text).toString('base64url')}`
      : '';
  return `${kind === 'answer' ? 'a' : 's'}.${stream}.${place}${whose}${last ? '!' : ''}`;
}

/** @returns undefined for what was never an event id of ours */
export function readEventId(text: string): EventId | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, kind, stream = '', place, whose, last] = match;
  return {
    kind: kind === 'a' ? 'answer' : 'standing',
    stream,
    place: Number(place),
    request: whose === undefined ? undefined : readId(Buffer.from(whose, 'base64url').toString()),
    last: last !== undefined,
  };
}

export function streamName(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(9))).toString('base64url');
}
