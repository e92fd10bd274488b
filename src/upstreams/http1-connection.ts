// One connection to an upstream: one request at a time, its answer, and then the next. What comes where nothing is
// awaited ends it: it could be taken for the answer to somebody else's request.

import type { Socket } from 'node:net';
import { Http1Answer, type Source } from './http1-answer.ts';
import { type Unframer, unframer } from './http1-body.ts';
import { HEAD_BYTES, type Head, NotHttp, parseHead } from './http1-head.ts';

/** A request that is at work on a connection. */
export interface Asked {
  /** The head has come. */
  answered(answer: Http1Answer): void;
  /** There will be none. */
  failed(error: unknown): void;
  /** The answer is over, in one way or the other. */
  over(): void;
}

export interface Owner {
  readonly upstream: string;
  /** It can take another request. @param forMs as long as the server has said that it keeps it */
  idle(forMs: number | undefined): void;
  /** It takes no more. */
  gone(): void;
}

/** The server has closed it. */
class Closed extends Error {
  readonly code = 'ECONNRESET';
}

const END_OF_HEAD = Buffer.from('\r\n\r\n');
const NOTHING = new Uint8Array(0);

export class Connection implements Source {
  /** How many requests it has been given. */
  uses = 0;
  readonly #owner: Owner;
  readonly #socket: Socket;
  #asked: Asked | undefined;
  #answer: Http1Answer | undefined;
  #head: Head | undefined;
  #body: Unframer | undefined;
  /** Of a head that has not come whole. */
  #begun: Uint8Array = NOTHING;
  #heard = false;
  #isGone = false;

  /** @param socket that stands */
  constructor(socket: Socket, owner: Owner) {
    this.#owner = owner;
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#came(bytes));
    socket.on('end', () => this.#ends());
    socket.on('error', (error) => this.#lost(error));
    socket.on('close', () => this.#ends());
  }

  /** Whether it has no request. */
  get isIdle(): boolean {
    return this.#asked === undefined && !this.#isGone;
  }

  send(bytes: Uint8Array, asked: Asked): void {
    this.uses++;
    this.#asked = asked;
    this.#heard = false;
    if (this.#isGone) this.#fail(new Closed('the connection is closed'));
    else this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  drop(): void {
    this.#lost(new Error('it was dropped'));
  }

  #came(bytes: Uint8Array): void {
    this.#heard = true;
    try {
      if (!this.#asked) throw new NotHttp('it sent what nobody had asked for');
      this.#take(bytes);
    } catch (error) {
      this.#lost(error);
    }
  }

  #take(bytes: Uint8Array): void {
    let rest: Uint8Array | undefined = bytes;
    while (rest && !this.#body) rest = this.#readHead(rest);
    if (!rest || !this.#body) return;
    const { pieces, rest: behind } = this.#body.push(rest);
    for (const piece of pieces) this.#answer?.push(piece);
    if (behind) this.#ended(behind);
  }

  /** @returns what comes behind the head; undefined where it has not come whole */
  #readHead(bytes: Uint8Array): Uint8Array | undefined {
    const all = this.#begun.length === 0 ? bytes : Buffer.concat([this.#begun, bytes]);
    const view = Buffer.from(all.buffer, all.byteOffset, all.length);
    const end = view.indexOf(END_OF_HEAD);
    if (end > HEAD_BYTES || (end < 0 && all.length > HEAD_BYTES))
      throw new NotHttp(`the head of its answer is longer than ${HEAD_BYTES} bytes`);
    if (end < 0) {
      // What is no HTTP may never have an empty line.
      if (!'HTTP/1.'.startsWith(view.toString('latin1', 0, Math.min(7, view.length))))
        throw new NotHttp('it did not answer in HTTP/1.1');
      this.#begun = all;
      return undefined;
    }
    this.#begun = NOTHING;
    const head = parseHead(view.toString('latin1', 0, end));
    if (head.status >= 200) this.#begin(head);
    // Any number of other interim answers may come (RFC 9110 §15.2): how long, the timeouts say.
    else if (head.status === 101) throw new NotHttp('it answered 101 where nobody had asked for it');
    return all.subarray(end + END_OF_HEAD.length);
  }

  #begin(head: Head): void {
    this.#head = head;
    this.#body = unframer(head.framing);
    this.#answer = new Http1Answer(head, this.#owner.upstream, this);
    // A body that is not there, or is there already, is over before anybody reads it.
    this.#asked?.answered(this.#answer);
  }

  #ended(behind: Uint8Array): void {
    const { isKept, keptFor } = this.#head as Head;
    const isWhole = behind.length === 0 && this.#socket.writableLength === 0;
    const answer = this.#answer;
    const asked = this.#asked;
    this.#rest();
    answer?.end();
    asked?.over();
    if (isKept && isWhole && !this.#isGone) this.#owner.idle(keptFor);
    else this.drop();
  }

  #rest(): void {
    this.#asked = undefined;
    this.#answer = undefined;
    this.#head = undefined;
    this.#body = undefined;
  }

  /** The server sends no more. */
  #ends(): void {
    if (this.#isGone) return;
    if (this.#body?.end() && this.#head?.framing.kind === 'close') this.#ended(NOTHING);
    else
      this.#lost(new Closed(this.#heard ? 'it closed the connection too early' : 'it closed the connection'));
  }

  /** It is of no use any more. */
  #lost(error: unknown): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#owner.gone();
    // What is not sent yet must not follow: the server would wait for the end of a request that nobody makes any more.
    if (this.#socket.writableLength > 0) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
    this.#fail(error);
  }

  #fail(error: unknown): void {
    const asked = this.#asked;
    const answer = this.#answer;
    this.#rest();
    if (answer) answer.end(error);
    else asked?.failed(error);
    asked?.over();
  }
}
