// What a call waits for, in words: said by those who make it wait, read by those who tell its client and its operator.

export interface Phase {
  /** In a few words: `queued`. */
  readonly name: string;
  /** The same as the client's user reads it, where more is to be said. */
  readonly text?: string;
  /** How long it lasts before the client is told by itself, milliseconds; `SOON` where it is left out. */
  readonly after?: number;
}

/** What does not last is not worth a word. */
export const SOON = 1_000;

/** Characters that a text of the gateway's own has at most: clients cut longer ones. */
const LONGEST = 200;

/** Nothing is waited for: plugins, or the gateway itself, are at work. */
const PROCESSING: Phase = { name: 'processing', after: Number.POSITIVE_INFINITY };

/** The words for what the gateway itself makes a call wait for. */
export const phases = {
  place: (upstream: string): Phase => ({
    name: 'queued',
    text: `waiting for a free place at "${upstream}"`,
    after: 0,
  }),
  turn: (upstream: string): Phase => ({ name: 'queued', text: `waiting for a turn at "${upstream}"` }),
  /** To have a link to it. */
  reach: (upstream: string, kind: 'command' | 'url' | 'builtin'): Phase =>
    kind === 'command'
      ? { name: 'starting the server', text: `starting "${upstream}"` }
      : { name: 'connecting', text: `connecting to "${upstream}"` },
  retry: (upstream: string): Phase => ({
    name: 'retrying after a fault',
    text: `"${upstream}" failed, trying again`,
  }),
  /** Of which every call consists: who wants to hear of it, says so (`Exchange.reassure`). */
  answer: (upstream: string): Phase => ({
    name: 'waiting for an answer',
    text: `waiting for an answer from "${upstream}"`,
    after: Number.POSITIVE_INFINITY,
  }),
  client: { name: "waiting for the client's answer", text: 'waiting for your answer', after: 0 } as Phase,
};

/** As a plugin says it: a few words, or more. */
export function phaseOf(phase: string | Phase): Phase {
  return typeof phase === 'string' ? { name: bounded(phase) } : phase;
}

/** A text for people, no longer than clients show. Cut between two characters. */
export function bounded(text: string): string {
  if (text.length <= LONGEST) return text;
  const characters = [...text];
  return characters.length <= LONGEST ? text : `${characters.slice(0, LONGEST - 1).join('')}…`;
}

/** The phases a call is in: several where its legs wait for different things. */
export class Phases {
  readonly #going: Phase[] = [];

  /** @param changed is told that another one is the current one now */
  constructor(readonly changed: () => void) {}

  /** The one that began last. */
  get current(): Phase {
    return this.#going.at(-1) ?? PROCESSING;
  }

  /** @returns ends it */
  begin(phase: Phase): () => void {
    // An object of its own, so that it ends itself and no other one like it.
    const own = { ...phase };
    this.#going.push(own);
    this.changed();
    return () => {
      const at = this.#going.indexOf(own);
      if (at < 0) return;
      const wasCurrent = at === this.#going.length - 1;
      this.#going.splice(at, 1);
      if (wasCurrent) this.changed();
    };
  }
}

/** Waits, and says meanwhile what for. */
export async function during<T>(
  x: { waits(phase: Phase): () => void },
  phase: Phase,
  wait: Promise<T>,
): Promise<T> {
  const over = x.waits(phase);
  try {
    return await wait;
  } finally {
    over();
  }
}
