// What the opening of a link over HTTP is given, whichever transport it turns out to be.

import type { Host } from '../core/host.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { Call, Question } from './call.ts';
import { startedLate } from './hello.ts';
import type { HttpClient } from './http-client.ts';
import type { LinkEvents } from './link.ts';
import type { Own } from './own.ts';
import type { UpstreamLimits, UpstreamTimeouts } from './spec.ts';

export interface HttpOpening {
  readonly name: string;
  readonly client: HttpClient;
  readonly transport: 'http' | 'builtin';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly limits: UpstreamLimits;
  readonly timeouts: UpstreamTimeouts;
  readonly host: Host;
  readonly gateway: RawObject;
  readonly userAgent: string;
  /** Aborts when nobody needs the link any more. */
  readonly signal: AbortSignal;
  readonly own: Own;
  /** Whether what only reads may be sent again where its connection had been closed before. */
  reconnects(): boolean;
  /** Which of the two transports is tried; `older` is what was found so far. */
  readonly choice: { readonly wanted: 'auto' | 'http' | 'sse'; older: boolean };
}

export interface Openings {
  readonly events: LinkEvents;
  question(question: Question, via: Call | undefined): void;
  withdrawn(questionKey: string): void;
  /** A process that is of no use, and takes its time to end. */
  leaving?(ended: Promise<unknown>): void;
}

/** Runs with a signal that aborts when `timeouts.start` has passed, or when the opening is given up. */
export async function inTime<T>(
  { name, timeouts: { start }, signal, host }: HttpOpening,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(start);
  try {
    return await run(AbortSignal.any([late, signal]));
  } catch (error) {
    throw late.aborted && !signal.aborted ? startedLate(name, start, host) : error;
  }
}
