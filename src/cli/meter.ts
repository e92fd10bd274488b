// Draws the progress of one call on a terminal, and takes it away again. Silent where there is no terminal.

import { renderBar } from './bar.ts';
import { type Shell, wantsColor } from './shell.ts';

export interface Meter {
  update(report: { progress: number; total?: number | undefined; message?: string | undefined }): void;
  /** Clears the line while something else is written there. */
  pause(): void;
  resume(): void;
  /** Clears the line for good. */
  end(): void;
}

const FRAME_MS = 100;
const CLEAR = '\r\u001b[2K';
const SILENT: Meter = { update() {}, pause() {}, resume() {}, end() {} };

/** A bar on stderr that moves until it is ended. */
export function startMeter(shell: Shell, name: string): Meter {
  if (!shell.err.isTty || shell.env.TERM === 'dumb') return SILENT;
  const started = performance.now();
  const color = wantsColor(shell, shell.err);
  let latest: Parameters<Meter['update']>[0] = { progress: 0 };
  let tick = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const draw = (): void => {
    tick++;
    const elapsedMs = performance.now() - started;
    shell.err.write(
      `${CLEAR}${renderBar({ ...latest, name, elapsedMs, columns: shell.err.columns, tick, color })}`,
    );
  };
  const resume = (): void => {
    timer ??= setInterval(draw, FRAME_MS);
  };
  const pause = (): void => {
    if (timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    shell.err.write(CLEAR);
  };
  resume();
  return {
    update: (report) => {
      latest = report;
    },
    pause,
    resume,
    end: pause,
  };
}
