// The checkpoints of a log as anchors get them: the newest, as it vouches for all before it.

import { readCheckpoint } from '../checkpoint.ts';
import { readNote } from '../note.ts';
import type { Cursor } from './cursor.ts';
import type { Source } from './delivery.ts';

export interface SignedCheckpoint {
  readonly size: number;
  /** The signed note, whole. */
  readonly note: string;
}

export class NewestCheckpoint implements Source<SignedCheckpoint> {
  #newest: SignedCheckpoint | undefined;

  /** @param newest the note of the last one when this begins */
  constructor(newest: string | undefined) {
    if (newest !== undefined)
      this.#newest = { note: newest, size: readCheckpoint(readNote(newest).text).size };
  }

  get value(): SignedCheckpoint | undefined {
    return this.#newest;
  }

  add(note: string, size: number): void {
    this.#newest = { note, size };
  }

  start = () => ({ seq: 0 });

  behind = ({ seq }: Cursor): number => Math.max(0, (this.#newest?.size ?? 0) - seq);

  after: Source<SignedCheckpoint>['after'] = async ({ seq }) => {
    const newest = this.#newest;
    return newest && newest.size > seq ? { items: [newest], next: { seq: newest.size } } : undefined;
  };
}
