// The HTTP answer that one HTTP request gets: what plugins put into its head, and how long it lasts. Knows no transport.

interface Offered {
  readonly value: string;
  readonly by: string;
  readonly rank: number | undefined;
}

/** Of the gateway, of the connection, or of the protocol. */
const NOT_FOR_PLUGINS =
  /^(?:access-control-.*|cache-control|connection|content-.*|date|keep-alive|location|mcp-.*|origin|proxy-.*|server|set-cookie2?|te|trailer|transfer-encoding|upgrade|vary|x-accel-buffering|x-request-id)$/;
/** RFC 9110 §5.1 and §5.5. */
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const VALUE = /^[\t\x20-\x7e]*$/;

/** @throws Error for headers that no plugin may give an answer */
export function checkAnswerHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!NAME.test(name) || !VALUE.test(value))
      throw new Error(`"${name}" with this value is no header: names are lower-case, values printable ASCII`);
    if (NOT_FOR_PLUGINS.test(name))
      throw new Error(`the header "${name}" of an answer is not for plugins to set`);
  }
}

export class HttpAnswer {
  readonly #headers = new Map<string, Offered>();
  readonly #over = Promise.withResolvers<void>();
  #lasts: Promise<unknown> | undefined;

  /** Resolves when its last byte is out, or nobody reads any more. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** What has been offered so far. */
  get headers(): Record<string, string> {
    if (this.#headers.size === 0) return {};
    return Object.fromEntries([...this.#headers].map(([name, { value }]) => [name, value]));
  }

  /**
   * Puts headers into its head, as long as that is not out. Of those with a rank the least one stays, whoever offers
   * it; else the latest of the one who came first.
   * @param by the entry that offers them
   * @returns those that another entry has given already, each with that entry
   * @throws Error for headers that are not for plugins
   */
  offer(headers: Readonly<Record<string, string>>, by: string, rank?: number): [name: string, by: string][] {
    checkAnswerHeaders(headers);
    const clashes: [string, string][] = [];
    for (const [name, value] of Object.entries(headers)) {
      const there = this.#headers.get(name);
      const ranked = there?.rank !== undefined && rank !== undefined;
      if (there && !ranked && there.by !== by) clashes.push([name, there.by]);
      else if (!ranked || rank < (there.rank ?? 0)) this.#headers.set(name, { value, by, rank });
    }
    return clashes;
  }

  /** For the listener: how long it goes on after it has begun. */
  lasts(until: Promise<unknown>): void {
    this.#lasts = until;
  }

  /** For the listener: it has begun. */
  begun(): void {
    const { resolve } = this.#over;
    if (this.#lasts)
      this.#lasts.then(
        () => resolve(),
        () => resolve(),
      );
    else resolve();
  }
}
