// What signals do to a running gateway. Decides; the doing is handed in.

import { EXIT } from './exit.ts';

export interface SignalActions {
  /** Reads the configuration anew. Reports by itself. */
  reload(): void;
  /** Begins to drain; called once. The process ends when that is done. */
  stop(why: string): void;
  /** Ends the process at once. */
  exit(code: number): void;
  toggleDebug(): void;
  /** Whether the terminal this process was started on is gone; false for one started without. */
  terminalGone(): boolean;
  /** Milliseconds, from any start. */
  now(): number;
}

type Name = 'SIGHUP' | 'SIGINT' | 'SIGTERM' | 'SIGUSR2';

/** What of `process` is needed. */
export interface SignalSource {
  on(name: Name, handler: () => void): unknown;
}

/** A terminal, npm and a wrapper may each pass on the same Ctrl-C: what comes within this time is one. */
const BURST_MS = 500;

/** Listens for signals until the process ends. */
export function handleSignals(source: SignalSource, actions: SignalActions): void {
  let stoppingSince: number | undefined;
  const end = (name: string, code: number): void => {
    if (stoppingSince === undefined) {
      stoppingSince = actions.now();
      actions.stop(name);
    } else if (actions.now() - stoppingSince >= BURST_MS) {
      actions.exit(code);
    }
  };
  source.on('SIGINT', () => end('SIGINT', EXIT.interrupted));
  source.on('SIGTERM', () => end('SIGTERM', EXIT.terminated));
  source.on('SIGHUP', () => {
    if (actions.terminalGone()) end('SIGHUP', EXIT.terminated);
    else if (stoppingSince === undefined) actions.reload();
  });
  source.on('SIGUSR2', () => actions.toggleDebug());
}
