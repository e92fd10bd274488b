// Which eras an upstream speaks, as far as asking has shown. A "no" expires: servers are upgraded and rolled back.

import { GatewayError } from '../core/errors.ts';
import type { Era } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';

export interface Verdicts {
  /** Eras worth trying for a client of `era`, best first. */
  order(era: Era): Era[];
  yes(era: Era): void;
  no(era: Era): void;
  /** What is known, for display: undefined while unknown. */
  known(era: Era): boolean | undefined;
}

/** @param memory how long a "no" is believed, milliseconds */
export function createVerdicts(pinned: Era | 'auto', now: () => number, memory: () => number): Verdicts {
  const said = new Map<Era, { yes: boolean; at: number }>();
  const other = (era: Era): Era => (era === '2025' ? '2026' : '2025');
  const known = (era: Era): boolean | undefined => {
    const verdict = said.get(era);
    if (verdict === undefined) return undefined;
    return !verdict.yes && now() - verdict.at > memory() ? undefined : verdict.yes;
  };
  return {
    // The client's own era first: nothing is lost in a translation that does not happen.
    order(era) {
      if (pinned !== 'auto') return [pinned];
      const both = [era, other(era)];
      const possible = both.filter((each) => known(each) !== false);
      return possible.length > 0 ? possible : both;
    },
    yes: (era) => void said.set(era, { yes: true, at: now() }),
    no: (era) => void said.set(era, { yes: false, at: now() }),
    known,
  };
}

/** Thrown by an opener: the server answered, and it does not speak this era. An outage is never this. */
export class WrongEra extends Error {
  /** @param said the error it answered with, if it did */
  constructor(
    message: string,
    readonly said?: RawObject,
  ) {
    super(message);
  }
}

/** Thrown by an opener: what answered may be a server of the transport before Streamable HTTP. */
export class OlderTransport extends WrongEra {}

/**
 * Thrown by an opener: the process ended or said nothing when it was spoken to in this era. It may speak
 * another one, which is worth a try; by itself it proves nothing (2026-07-28 stdio §Backward Compatibility).
 */
export class NoReply extends WrongEra {
  /** @param isLate whether it said nothing for all of the time that a start has */
  constructor(
    readonly fault: GatewayError,
    readonly isLate = false,
  ) {
    super(fault.message);
  }
}

/** Thrown by an opener: it said nothing for all of the time that a start has, and there is none for another era. */
export class OutOfTime extends NoReply {
  constructor({ fault }: NoReply) {
    super(fault, true);
  }
}

/** Why an upstream is spoken to in no era: how it failed, or else what it said to each. */
export function noEra(upstream: string, tried: readonly WrongEra[]): GatewayError {
  const silent = tried.find((error) => error instanceof NoReply);
  if (silent) return silent.fault;
  const why = tried.map(({ message }) => message).join('; ');
  return new GatewayError(
    'UPSTREAM_INVALID',
    `The upstream "${upstream}" speaks no protocol revision that is known here (${why}).`,
    { upstream },
  );
}
