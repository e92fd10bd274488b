// What a client is told of the progress of its call, over all rounds of it: what its upstreams say, and, in between,
// what the gateway says of itself. For the client that is one row of values, which rises. A failure in here is lost
// with the word it concerns; the call knows nothing of it.

import { McpNotification, META } from '../protocol/message.ts';
import { RawJson, RawObject } from '../protocol/raw.ts';
import { fact } from './facts.ts';
import type { Emit } from './handler.ts';
import type { Host } from './host.ts';
import { bounded, type Phase, Phases, SOON } from './phases.ts';

const PROGRESS = 'notifications/progress';

/** How a client that wants progress is kept from thinking that nobody is there. */
export interface Reassurance {
  /** Longest silence, milliseconds. */
  readonly every: number;
  /** Whether the text says how far it is, for those that show no figures. */
  readonly percent?: boolean | undefined;
}

/** What was told last. */
export interface Told {
  readonly progress: number;
  readonly total: number | undefined;
  readonly message: string | undefined;
}

export interface CallProgressParts {
  /** The client's progress token as JSON text; without one nothing is told. */
  readonly token: string | undefined;
  readonly out: Emit;
  readonly host: Pick<Host, 'metrics'>;
  /** Milliseconds that have gone by, on a clock that all calls go by and that is never put back. */
  readonly time: () => number;
  /** Between two words on the same phase, milliseconds. */
  readonly every: () => number;
}

export class CallProgress {
  readonly phases = new Phases(() => this.#changed());
  #told: Told | undefined;
  /** When the client heard something of it last, or the call began. */
  #toldAt: number;
  /** The phase the client was told of, if that was the last it heard. */
  #said: Phase | undefined;
  /** What the upstreams said last: of what they say themselves nothing goes back. */
  #theirs = Number.NEGATIVE_INFINITY;
  #phaseSince: number;
  #reassurance: Reassurance | undefined;
  /** What of it its client has yet to take. */
  #sending = 0;
  #isOver = false;

  constructor(readonly parts: CallProgressParts) {
    this.#toldAt = parts.time();
    this.#phaseSince = this.#toldAt;
  }

  get told(): Told | undefined {
    return this.#told;
  }

  /** How long it has been in its phase, milliseconds. */
  get inPhase(): number {
    return this.parts.time() - this.#phaseSince;
  }

  /** Where what belongs to the call goes out. */
  readonly emit: Emit = (note) => {
    if (note.method !== PROGRESS) return this.parts.out(note);
    if (this.#isOver) return this.#dropped('progress_late');
    const value = note.raw?.get('progress');
    if (typeof value !== 'number') return this.parts.out(note);
    if (value < this.#theirs) return this.#dropped('progress_decreasing');
    this.#theirs = value;
    const fits = this.#above(note, value);
    this.#remember(fits);
    this.#said = undefined;
    return this.#out(fits);
  };

  get reassurance(): Reassurance | undefined {
    return this.#reassurance;
  }

  /** From here on the client hears what its call waits for whenever it has heard nothing for so long. */
  reassure(reassurance: Reassurance | undefined): void {
    this.#reassurance = reassurance;
  }

  /** Time has gone by: says what is to be said by now. */
  tick(): void {
    if (this.parts.time() >= this.#due()) this.#say();
  }

  /** The result is there, or nobody waits for it: nothing is said from here on. */
  end(): void {
    this.#isOver = true;
  }

  #changed(): void {
    this.#phaseSince = this.parts.time();
    if (this.phases.current.after === 0) this.#say();
  }

  /** When something is to be said if nothing happens until then. */
  #due(): number {
    const { current } = this.phases;
    const silence = this.#toldAt + (this.#reassurance?.every ?? Number.POSITIVE_INFINITY);
    const { after: patience = SOON } = current;
    if (this.#said === current)
      return patience === Number.POSITIVE_INFINITY
        ? silence
        : Math.min(this.#toldAt + this.parts.every(), silence);
    // Who was told of the phase before thinks that it lasts.
    const after = this.#said ? SOON : patience;
    // What the upstream says is worth more: it is not followed by words of ours at once.
    return Math.min(Math.max(this.#phaseSince, this.#toldAt) + after, silence);
  }

  #say(): void {
    const { token } = this.parts;
    if (token === undefined || this.#isOver || this.#sending > 0) return;
    const progress = this.#told ? nextAfter(this.#told.progress) : 0;
    // Beyond all that can be counted nothing rises.
    if (!Number.isFinite(progress)) return;
    const total = this.#told?.total;
    const params = RawObject.of({
      progress,
      // Never more than the whole of it, which is why that rises where all of it is done.
      ...(total === undefined ? {} : { total: Math.max(total, progress) }),
      message: this.#words(),
    });
    const note = new McpNotification(PROGRESS, params.with({ [META.progressToken]: new RawJson(token) }));
    this.#remember(note);
    this.#said = this.phases.current;
    // Nobody waits for it.
    this.#out(note)?.catch(() => {});
  }

  /** A client that does not take what it is sent is not sent words of ours on top. */
  #out(note: McpNotification): Promise<void> | undefined {
    const over = (): void => {
      this.#sending--;
    };
    const failed = (): void => {
      over();
      this.#dropped('progress_failed');
    };
    try {
      const sent = this.parts.out(note);
      if (!sent) return undefined;
      this.#sending++;
      sent.then(over, failed);
      return sent;
    } catch {
      return this.#dropped('progress_failed');
    }
  }

  #words(): string {
    const { name, text = name } = this.phases.current;
    const notes = [
      this.inPhase >= LONG ? lasting(this.inPhase) : '',
      this.#reassurance?.percent ? shareOf(this.#told) : '',
    ].filter((each) => each !== '');
    return bounded(notes.length > 0 ? `${text} (${notes.join(', ')})` : text);
  }

  /** The note as it may follow what was told: the very same, unless words of ours have come before its value. */
  #above(note: McpNotification, value: number): McpNotification {
    const last = this.#told?.progress;
    if (last === undefined || value > last || (value === last && !this.#said)) return note;
    const progress = nextAfter(last);
    const total = note.raw?.get('total');
    const isOver = typeof total === 'number' && total < progress;
    return note.with(isOver ? { progress, total: progress } : { progress });
  }

  #remember({ raw }: McpNotification): void {
    const [progress, total] = [raw?.get('progress'), raw?.get('total')];
    this.#toldAt = this.parts.time();
    if (typeof progress !== 'number') return;
    this.#told = {
      progress,
      total: typeof total === 'number' ? total : undefined,
      message: raw?.string('message'),
    };
  }

  #dropped(reason: string): undefined {
    this.parts.host.metrics.dropped.inc({ reason });
    return undefined;
  }
}

/** Of the call that an exchange belongs to; exchanges of the gateway's own have none. */
export const progressFact = fact<CallProgress>('progress of the call');

/** A phase that lasts longer than this says how long, milliseconds. */
const LONG = 10_000;

/** A number just above. It leaves room for what the upstream says next, and no figure on a screen changes. */
function nextAfter(value: number): number {
  return value + Math.max(Math.abs(value), 1) * Number.EPSILON;
}

function lasting(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

/** How far it is, where the upstream says of how much. */
function shareOf(told: Told | undefined): string {
  if (told?.total === undefined || told.total <= 0) return '';
  return `${Math.floor(Math.min(Math.max(told.progress / told.total, 0), 1) * 100)}%`;
}
