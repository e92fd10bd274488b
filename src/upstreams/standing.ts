// The GET stream of an initialize-era session: what the server sends outside of calls. Reconnects, resumes
// where it can, and gives up quietly where the server offers none.

import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { pause } from '../lib/pause.ts';
import { SseReader } from '../protocol/sse.ts';
import type { HttpAnswer } from './http-client.ts';
import { mediaType, type Reading, readEvents } from './http-read.ts';
import { SessionLost } from './link.ts';

export interface Standing {
  /** Asks for it. @param sent called when it has been asked for */
  get(lastEventId: string | undefined, signal: AbortSignal, sent: () => void): Promise<HttpAnswer>;
  readonly reading: Reading;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** The stream has been asked for. */
  asked(): void;
  /** The stream is open. @param gap whether one before has failed, or broken where nothing said how to go on */
  stands(gap: boolean): void;
}

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;
/** Whatever the server asks for, it is not asked again sooner. */
const LEAST_WAIT = 100;

/** Runs until the signal aborts or the server has no such stream. @throws SessionLost */
export async function openStanding({ get, reading, signal, log, asked, stands }: Standing): Promise<void> {
  let emptyRuns = 0;
  let last: SseReader | undefined;
  let stood = false;
  while (!signal.aborted) {
    const reader = new SseReader({ eventBytes: reading.limits.event });
    if (last) reader.lastEventId = last.lastEventId;
    const before = performance.now();
    try {
      const answer = await get(last?.lastEventId, signal, asked);
      if (answer.status !== 200 || mediaType(answer) !== 'text/event-stream') {
        answer.discard();
        // To the first GET that may mean that there is no such stream; the next POST knows.
        if (answer.status === 404 && stood) throw new SessionLost(reading.upstream);
        if (answer.status < 500) return;
      } else {
        stands(last !== undefined && !last.lastEventId);
        stood = true;
        await readEvents(answer, reader, reading, () => signal.aborted);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof SessionLost) throw error;
      log.debug('standing stream broke', { upstream: reading.upstream, error: messageOf(error) });
    }
    last = reader;
    // A connection that was good for something is followed by the next as soon as the server wants it.
    const isEmpty = !reader.heard && performance.now() - before < LONGEST_WAIT;
    await pause(waitBefore(reader.retry, isEmpty ? emptyRuns++ : 0), signal).catch(() => {});
    if (!isEmpty) emptyRuns = 0;
  }
}

/**
 * @param retry what the server asked for
 * @param emptyRuns connections before this one that failed or ended at once with nothing, in a row
 */
function waitBefore(retry: number | undefined, emptyRuns: number): number {
  const first = Math.max(retry ?? FIRST_WAIT, LEAST_WAIT);
  // A server that asks for more than our longest wait gets it.
  return Math.max(first, Math.min(first * 2 ** emptyRuns, LONGEST_WAIT));
}
