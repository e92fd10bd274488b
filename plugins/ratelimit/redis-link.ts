// One connection to Redis or Valkey that either answers within its deadline or is taken for lost, and comes back by
// itself. Must not know limits.

import { RedisClient } from 'bun';
import type { PluginHost } from '../../src/plugin.ts';
import type { Lost } from './store.ts';

export interface LinkOptions {
  /** `redis://`, `rediss://`, `redis+unix://`; user, password and database are part of it. */
  readonly url: string;
  /** PEM of authorities that vouch for the server. */
  readonly ca?: string | undefined;
  /** How long one answer may take, milliseconds. */
  readonly deadline: number;
}

/** A script, and how it is known to the server. */
interface Script {
  readonly source: string;
  readonly sha: string;
}

/** One call of the script. */
export interface Run {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** Why there is no connection: one of a few words, for figures. */
type Reason = 'timeout' | 'closed' | 'read_only' | 'refused';

/** For one attempt to connect, and the pause after one that failed: together below two seconds. Milliseconds. */
const ATTEMPT_MS = 500;
const PAUSE_MS = 500;
/** Replicas that lost it together do not come back together. */
const SPREAD_MS = 250;
/** Giving up takes its time, too. */
const EARLY = 0.9;
/** What has come while this process was busy is read before an answer counts as late, milliseconds. */
const GRACE_MS = 1;

/** A reason that is no error of the server. */
class Late extends Error {}

export class RedisLink {
  readonly #host: Pick<PluginHost, 'log' | 'now' | 'count' | 'level'>;
  readonly #options: LinkOptions;
  readonly #script: Script;
  /** What shows whether it works: it writes, so that a replica that may not be written does not pass. */
  readonly #probe: Run;
  #client: RedisClient | undefined;
  #timer: Timer | undefined;
  #isClosed = false;
  #lost: Lost | undefined;
  /** How long one answer may take, milliseconds. */
  deadline: number;
  /** Settles with the end of the first attempt, whatever that is. */
  readonly ready: Promise<void>;

  constructor(
    host: Pick<PluginHost, 'log' | 'now' | 'count' | 'level'>,
    options: LinkOptions,
    script: Script,
    probe: Run,
    /** Told when it is there, before anything is asked. */
    readonly onThere: () => void,
  ) {
    this.#host = host;
    this.#options = options;
    this.#script = script;
    this.#probe = probe;
    this.deadline = options.deadline;
    this.ready = this.#attempt();
  }

  get lost(): Lost | undefined {
    return this.#lost;
  }

  /** @returns undefined where it is lost, at once or by now: it never fails */
  async run(run: Run): Promise<unknown> {
    const client = this.#client;
    if (!client) return undefined;
    try {
      return await within(this.deadline, evaluate(client, this.#script, run));
    } catch (error) {
      this.#drop(client, error);
      return undefined;
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    client?.close();
  }

  /** What came back is not what the script says: whatever is there is not to be relied on. */
  distrust(error: unknown): void {
    if (this.#client) this.#drop(this.#client, error);
  }

  async #attempt(): Promise<void> {
    let client: RedisClient | undefined;
    try {
      client = connection(this.#options);
      await within(ATTEMPT_MS, client.connect());
      await within(ATTEMPT_MS, evaluate(client, this.#script, this.#probe));
      if (this.#isClosed || !client.connected) throw new Error('Connection closed');
      this.#back(client);
    } catch (error) {
      client?.close();
      this.#away(error);
    }
  }

  #back(client: RedisClient): void {
    this.onThere();
    client.onclose = (error) => this.#drop(client, error);
    this.#client = client;
    const { since } = this.#lost ?? {};
    this.#lost = undefined;
    this.#host.level('store_there', 1);
    if (since === undefined) return;
    this.#host.count('store_back');
    this.#host.log.info('limits are counted in Redis again', { awayMs: this.#host.now() - since });
  }

  #drop(client: RedisClient, error: unknown): void {
    // Of many calls that were under way the first one says it.
    if (this.#client !== client) return;
    this.#client = undefined;
    client.close();
    this.#away(error);
  }

  #away(error: unknown): void {
    if (this.#isClosed) return;
    if (this.#lost === undefined) {
      const reason = reasonOf(error);
      this.#lost = { since: this.#host.now(), reason };
      this.#host.level('store_there', 0);
      this.#host.count('store_lost', { reason });
      this.#host.log.warn('Redis cannot be asked for limits', { reason, error: textOf(error) });
    }
    this.#timer = setTimeout(() => void this.#attempt(), PAUSE_MS + Math.random() * SPREAD_MS);
    this.#timer.unref();
  }
}

function connection({ url, ca }: LinkOptions): RedisClient {
  // Its own queue and its own attempts would hold calls, and make them all at once.
  const client = new RedisClient(url, {
    autoReconnect: false,
    enableOfflineQueue: false,
    connectionTimeout: ATTEMPT_MS,
    ...(ca === undefined ? {} : { tls: { ca } }),
  });
  return client;
}

async function evaluate(client: RedisClient, { source, sha }: Script, { keys, args }: Run): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await client.send('EVALSHA', [sha, ...rest]);
  } catch (error) {
    if (!textOf(error).startsWith('NOSCRIPT')) throw error;
    return client.send('EVAL', [source, ...rest]);
  }
}

/** @throws Late where it takes longer; what comes of it then is of no interest */
function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let timer = setTimeout(
    () => {
      timer = setTimeout(() => reject(new Late(`no answer within ${ms} ms`)), GRACE_MS);
    },
    Math.max(0, ms * EARLY - GRACE_MS),
  );
  work.then(resolve, reject);
  return promise.finally(() => clearTimeout(timer));
}

function reasonOf(error: unknown): Reason {
  if (error instanceof Late) return 'timeout';
  if (Object(error).code !== 'ERR_REDIS_SERVER_ERROR') return 'closed';
  return textOf(error).startsWith('READONLY') ? 'read_only' : 'refused';
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
