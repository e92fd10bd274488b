// One timer for all quiet streams of a listener.

export interface Quiet {
  /** Called every interval; a comment goes out, or a silent JSON answer becomes a stream. */
  tick(): void;
}

export interface KeepAlive {
  add(quiet: Quiet): void;
  remove(quiet: Quiet): void;
  stop(): void;
}

/** @param interval milliseconds between ticks, asked for anew each time: a reload may change it */
export function createKeepAlive(interval: () => number): KeepAlive {
  const all = new Set<Quiet>();
  const arm = (): Timer =>
    setTimeout(() => {
      for (const quiet of all) quiet.tick();
      timer = arm();
    }, interval());
  let timer = arm();
  return {
    add: (quiet) => void all.add(quiet),
    remove: (quiet) => void all.delete(quiet),
    stop: () => clearTimeout(timer),
  };
}
