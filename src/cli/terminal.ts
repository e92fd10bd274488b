// Whether the terminal a gateway was started on still exists, which is what SIGHUP means by itself.

import { readFileSync } from 'node:fs';
import { hasTerminal } from './shell.ts';

/**
 * Looks now, at the start, and returns what looks again later. A process started without a terminal, or with
 * SIGHUP ignored (nohup), has none to lose.
 */
export function watchTerminal(): () => boolean {
  if (!hasTerminal() || isHangupIgnored()) return () => false;
  return () => !hasTerminal();
}

/** Whether SIGHUP was ignored when this process began; only Linux tells. */
function isHangupIgnored(): boolean {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
    return (BigInt(`0x${mask}`) & 1n) === 1n;
  } catch {
    return false;
  }
}
