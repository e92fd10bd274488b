// What this folder needs to know of one configured upstream. Made from the configuration in gateway/.

import type { Era } from '../protocol/message.ts';
import type { UpstreamTls } from './certificates.ts';
import type { Network } from './names.ts';
import type { Concurrency } from './places.ts';
import type { RestartOptions } from './restarts.ts';
import type { RetryOptions } from './retries.ts';
import type { Sharing } from './sharing.ts';
import type { TargetOptions } from './targets.ts';

/** All durations in milliseconds, all sizes in bytes. */
export interface UpstreamTimeouts {
  readonly connect: number;
  /** From there to the end of the TLS handshake. */
  readonly tls: number;
  readonly firstByte: number;
  readonly idle: number;
  readonly total: number;
  readonly start: number;
  /** For a message that is no request. */
  readonly message: number;
  /** Until a server that has said nothing to the GET is taken to have a standing stream. */
  readonly standing: number;
  /** For each of the last things a server is told. */
  readonly close: number;
  /** How long a new process may be silent before another is asked in the other era. */
  readonly probe: number;
  /** Until a server is taken to have obeyed a cancellation. */
  readonly cancel: number;
  /** How long a client that takes its result slowly may hold up others: on a channel, or for its place. */
  readonly slowClient: number;
  /** How long a client may take nothing at all of what is there for it. */
  readonly stalledClient: number;
}

export interface UpstreamLimits {
  /** Nesting, members and string length of a message. */
  readonly json: { readonly depth: number; readonly keys: number; readonly string: number };
  /** Largest JSON answer that is held whole. */
  readonly response: number;
  /** From how many bytes on an answer is passed on as it comes, where it may be. */
  readonly streamFrom: number;
  /** Largest answer that is passed on so. */
  readonly result: number;
  /** Bytes that wait for a client that is slower than the upstream. */
  readonly streamBuffer: number;
  /** Largest event of a stream. */
  readonly event: number;
  /** Largest line of a child process. */
  readonly line: number;
  /** Bytes of stderr logged per second. */
  readonly stderr: number;
  readonly parked: number;
  readonly parkTtl: number;
  /** Notifications of a call that wait for a slow client. */
  readonly notifications: number;
  /** Tasks of a connection whose progress is somebody's. */
  readonly taskTokens: number;
  /** Between two looks at a task, and the least and most an upstream may ask for. */
  readonly taskPoll: number;
  readonly taskPollLeast: number;
  readonly taskPollMost: number;
  /** Between two signs of life to a caller that waits. */
  readonly keepAlive: number;
  /** Pages of a list that are followed. */
  readonly pages: number;
  /** Messages of a batch. */
  readonly upstreamBatch: number;
  /** How long a "no" to an era is believed. */
  readonly eraMemory: number;
  /** Results that are kept: all their bytes, how many there are, and the longest time. */
  readonly cacheBytes: number;
  readonly cacheEntries: number;
  readonly cacheTtl: number;
  /** How long what a server says of itself is believed at least. */
  readonly helloAge: number;
}

/** What is kept of an upstream's results beside what it says itself. Milliseconds. */
export interface CacheSpec {
  /** How long lists are kept at least. */
  readonly lists: number;
  /** The same for resources. */
  readonly reads: number;
  /** How long a result that is not fresh any more stands in for one that cannot be had. */
  readonly staleIfError: number;
  /** How long results of which tools are kept. */
  readonly tools: { readonly for: number; has(name: string): boolean } | undefined;
}

interface Common {
  readonly name: string;
  readonly targets: TargetOptions;
  readonly era: Era | 'auto';
  readonly timeouts: UpstreamTimeouts;
  readonly concurrency: Concurrency;
  readonly retry: RetryOptions;
  readonly limits: UpstreamLimits;
  readonly cache: CacheSpec | 'off';
}

export interface HttpSpec extends Common {
  readonly kind: 'url';
  /** One at least, each with the same server. */
  readonly urls: readonly string[];
  /** Where their names may lead. */
  readonly network: Network;
  /** Undefined: as the machine trusts, and nothing to show. */
  readonly tls: UpstreamTls | undefined;
  /** Streamable HTTP, HTTP+SSE, or whichever it turns out to be. */
  readonly transport: 'auto' | 'http' | 'sse';
  /** Revealed: never log this object. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the initialize era. */
  readonly sessions: Sharing;
}

export interface CommandSpec extends Common {
  readonly kind: 'command';
  readonly command: string;
  readonly args: readonly string[];
  /** The child's whole environment, revealed: never log this object. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly instances: Sharing;
  readonly restart: RestartOptions;
  /** Values of `env` that no log or error may show. */
  readonly secrets: readonly string[];
  /** Between closing stdin and TERM. */
  readonly stop: number;
  /** Between TERM and KILL. */
  readonly kill: number;
}

export interface BuiltinSpec extends Common {
  readonly kind: 'builtin';
  /** Starts the embedded server. */
  readonly start: () => { fetch(request: Request): Promise<Response>; close(): Promise<void> };
}

export type UpstreamSpec = HttpSpec | CommandSpec | BuiltinSpec;
