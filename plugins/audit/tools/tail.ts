// The end of a log, and what comes after it, over changes of the file.

import { join } from 'node:path';
import { linesOf, type Segment, segmentsOf } from '../segments.ts';
import { shownOf } from './reading.ts';

export interface Shown {
  readonly line: string;
  readonly text: string;
}

interface Place {
  readonly name: string;
  /** Where the next line begins. */
  readonly offset: number;
}

export class LogTail {
  #at: Place | undefined;

  constructor(
    readonly directory: string,
    /** How many at most the first time. */
    readonly lines: number,
  ) {}

  /** Whole lines that came since the last look. @throws what the file system says */
  next(): Shown[] {
    const lines = this.#at === undefined ? this.#last() : this.#since(this.#at);
    return lines.map((line) => ({ line, text: shownOf(line) }));
  }

  /** Files are read from the last one back until there are enough. */
  #last(): string[] {
    let found: string[] = [];
    for (const segment of segmentsOf(this.directory).toReversed()) {
      const own = this.#read({ name: segment.name, offset: 0 });
      found = [...own, ...found];
      if (found.length >= this.lines) break;
    }
    return found.slice(Math.max(0, found.length - this.lines));
  }

  #since(at: Place): string[] {
    const newer = segmentsOf(this.directory).filter(({ name }) => name > at.name);
    return [at, ...newer.map(({ name }: Segment) => ({ name, offset: 0 }))].flatMap((each) =>
      this.#read(each),
    );
  }

  #read({ name, offset }: Place): string[] {
    const lines: string[] = [];
    let end = offset;
    for (const line of linesOf(join(this.directory, name), offset)) {
      if (!line.isWhole) break;
      lines.push(line.bytes.toString('utf8'));
      end = line.offset + line.bytes.length + 1;
    }
    if (this.#at === undefined || name >= this.#at.name) this.#at = { name, offset: end };
    return lines;
  }
}
