// How long the head of a request may take, on one connection. It sees when bytes come and when the HTTP server has
// read a head; the head itself it never sees.

export interface HeadWatch {
  /** Bytes of the client came. */
  bytes(): void;
  /** Bytes of an answer went: what comes meanwhile waits for its turn. */
  sent(): void;
  /** A head is complete. */
  began(): void;
  /** Its request is answered. @param streams whether the answer may go on for as long as it likes */
  answered(streams: boolean): void;
  stop(): void;
}

/**
 * The first head has its time from the beginning of the connection, later ones from their first byte.
 * @param limit milliseconds, asked each time
 * @param late called at most once; `asked` is whether a part of a head has come
 */
export function watchHeads(limit: () => number, late: (asked: boolean) => void): HeadWatch {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let state: 'waits' | 'works' | 'rests' | 'over' = 'rests';
  let asked = false;
  const wait = (): void => {
    state = 'waits';
    timer = setTimeout(() => {
      state = 'over';
      late(asked);
    }, limit());
  };
  const become = (next: 'works' | 'rests' | 'over'): void => {
    if (state === 'over') return;
    clearTimeout(timer);
    state = next;
  };
  wait();
  return {
    bytes() {
      asked = true;
      if (state === 'rests') wait();
    },
    sent() {
      if (state === 'waits') become('rests');
    },
    began: () => become('works'),
    answered(streams) {
      // What comes while an answer is on its way may be anything; the HTTP server has a limit of its own for that.
      if (state === 'works' && !streams) become('rests');
    },
    stop: () => become('over'),
  };
}
