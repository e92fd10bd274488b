// A result that is longer than is held: its bytes pass from the connection to the client, checked on the way.
// Whether one may is decided in long-answers.ts.

import { GatewayError, messageOf } from '../core/errors.ts';
import { Flow, type Sink } from '../lib/flow.ts';
import { parseMessage } from '../protocol/jsonrpc.ts';
import type { Changes } from '../protocol/message.ts';
import { decodeUtf8, JsonError, RawObject } from '../protocol/raw.ts';
import type { Rest, RestEnd, TooLong } from '../protocol/rest.ts';
import { type ResultEdits, ResultScan } from '../protocol/result-scan.ts';
import type { UpstreamLimits } from './spec.ts';

export interface StreamedOptions {
  readonly upstream: string;
  readonly limits: Pick<UpstreamLimits, 'json' | 'response' | 'result' | 'streamBuffer'>;
  /** The request it must be the answer to, by the key of its id. */
  readonly id: string;
  /** Whether a late `resultType` may be nothing but "complete". */
  readonly completeOnly: boolean;
  limitHit(limit: 'result' | 'response'): void;
}

/** What all copies of a streamed result share. */
interface Stream {
  readonly flow: Flow;
  readonly o: StreamedOptions;
  readonly done: PromiseWithResolvers<RestEnd>;
}

/** A result and where its bytes are to be put: those of the whole message, no more than `limits.result`. */
export function streamedResult(o: StreamedOptions): { rest: Rest; sink: Sink } {
  const flow = new Flow(o.limits.streamBuffer);
  const rest = new Streamed({ flow, o, done: Promise.withResolvers() }, NO_EDITS);
  const sink: Sink = {
    get over() {
      return flow.over;
    },
    push(bytes) {
      const { result } = o.limits;
      if (flow.bytes + bytes.length <= result) return flow.push(bytes);
      if (flow.over) return;
      o.limitHit('result');
      rest.cancel(
        invalid(o, `answered more than limits.result allows (${result} bytes)`, { limit: 'result' }),
      );
    },
    room: () => flow.room(),
    end: () => flow.end(),
    // Known at once, however long its reader is busy with what it has.
    fail: (error) => rest.cancel(error),
  };
  return { rest, sink };
}

const NO_EDITS: ResultEdits = { front: new Map(), without: new Set(), objects: new Set() };

class Streamed implements Rest {
  readonly #s: Stream;
  readonly #edits: ResultEdits;

  constructor(stream: Stream, edits: ResultEdits) {
    this.#s = stream;
    this.#edits = edits;
  }

  get done(): Promise<RestEnd> {
    return this.#s.done.promise;
  }

  with(changes: Changes): Streamed {
    const front = new Map(this.#edits.front);
    const without = new Set(this.#edits.without);
    for (const [key, change] of Object.entries(changes)) {
      front.delete(key);
      without.delete(key);
      if (change === undefined) without.add(key);
      else
        front.set(
          key,
          RawObject.of({})
            .with({ [key]: change })
            .raw(key) ?? 'null',
        );
    }
    return new Streamed(this.#s, { ...this.#edits, front, without });
  }

  objectOnly(key: string): Streamed {
    return new Streamed(this.#s, { ...this.#edits, objects: new Set(this.#edits.objects).add(key) });
  }

  get quietSince(): number | undefined {
    return this.#s.flow.quietSince;
  }

  get heldSince(): number | undefined {
    return this.#s.flow.heldSince;
  }

  cancel(error: Error = new GatewayError('CANCELLED')): void {
    this.#s.flow.fail(error);
    this.#end(error);
  }

  async *bytes(): AsyncGenerator<Uint8Array, void> {
    const { flow, o } = this.#s;
    const { id, completeOnly, limits } = o;
    const scan = new ResultScan({ depth: limits.json.depth, edits: this.#edits, id, completeOnly });
    try {
      for (let chunk = await flow.take(); chunk; chunk = await flow.take()) yield* scan.push(chunk);
      // What was given up has no end.
      if (flow.over) throw new GatewayError('CANCELLED');
      scan.end();
      this.#end(undefined);
    } catch (error) {
      throw this.#end(asFault(error, o));
    } finally {
      this.cancel();
    }
  }

  async whole(): Promise<RawObject | TooLong> {
    const { flow, o } = this.#s;
    const { limits, upstream } = o;
    const taken: Uint8Array[] = [];
    let seen = 0;
    try {
      for (let chunk = await flow.take(); chunk; chunk = await flow.take()) {
        taken.push(chunk);
        seen += chunk.length;
        if (seen <= limits.response) continue;
        o.limitHit('response');
        flow.giveBack(taken);
        return { upstream, limit: limits.response, seen };
      }
      if (flow.over) throw new GatewayError('CANCELLED');
      const raw = this.#parsed(decodeUtf8(Buffer.concat(taken), 'refuse'));
      this.#end(undefined);
      return raw;
    } catch (error) {
      throw this.#end(asFault(error, o));
    }
  }

  #parsed(text: string): RawObject {
    const message = parseMessage(text, this.#s.o.limits.json);
    if (message.kind !== 'result' || message.id.key !== this.#s.o.id)
      throw new JsonError('shape', 0, 'the answer to another request');
    const { front, without, objects } = this.#edits;
    const changes: Record<string, Changes[string]> = {};
    for (const key of without) changes[key] = undefined;
    for (const key of objects) if (message.result.object(key) === undefined) changes[key] = undefined;
    const added = RawObject.trusted(`{${[...front].map(([key, json]) => `${JSON.stringify(key)}:${json}`)}}`);
    for (const key of front.keys()) changes[key] = added.object(key) ?? added.get(key);
    return message.result.with(changes);
  }

  /** The first time counts. @returns the error, for throwing */
  #end(error: Error | undefined): Error | undefined {
    const { flow, done } = this.#s;
    flow.close();
    done.resolve({ bytes: flow.bytes, error });
    return error;
  }
}

/** What is said of bytes that are no answer after all. */
function asFault(error: unknown, o: StreamedOptions): Error {
  if (error instanceof GatewayError) return error;
  return invalid(o, `answered something that is no MCP: ${messageOf(error)}`);
}

function invalid({ upstream }: StreamedOptions, what: string, data: { limit?: string } = {}): GatewayError {
  return new GatewayError('UPSTREAM_INVALID', `The upstream "${upstream}" ${what}.`, { upstream, ...data });
}
