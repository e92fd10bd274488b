// In which era an upstream is spoken to: that of the client where it can be, else the other one.

import { GatewayError } from '../core/errors.ts';
import type { Era } from '../protocol/message.ts';
import { NoReply, noEra, OutOfTime, type Verdicts, WrongEra } from './verdict.ts';

/**
 * Takes something in the first era that the upstream speaks, and notes what was found out.
 * @param take throws WrongEra when the upstream does not speak that era
 * @throws GatewayError when it cannot be reached or speaks no era that we do
 */
export async function inSomeEra<T>(
  upstream: string,
  verdicts: Verdicts,
  wanted: Era,
  take: (era: Era) => Promise<T>,
): Promise<T> {
  const tried = new Map<Era, WrongEra>();
  let busy: GatewayError | undefined;
  for (const era of verdicts.order(wanted)) {
    try {
      const taken = await take(era);
      verdicts.yes(era);
      // One that speaks this era, and gave no reply in the other, does not speak that.
      for (const other of tried.keys()) verdicts.no(other);
      return taken;
    } catch (error) {
      // Without room to find out, an era that is known to be spoken will do.
      if (isBusyError(error) && verdicts.known(era) !== true) {
        busy = error;
        continue;
      }
      if (!(error instanceof WrongEra)) throw error;
      if (!(error instanceof NoReply)) verdicts.no(era);
      tried.set(era, error);
      // An era that it is known to speak has a start of its own.
      if (error instanceof OutOfTime && verdicts.known(era === '2025' ? '2026' : '2025') !== true) break;
    }
  }
  throw busy ?? noEra(upstream, [...tried.values()]);
}

function isBusyError(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.code === 'BUSY';
}
