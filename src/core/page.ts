// What plugins serve over HTTP beside MCP: documents that anybody may read.

import { messageOf } from './errors.ts';
import type { Host } from './host.ts';
import { guardOf, type Step } from './step.ts';

export interface PageRequest {
  /** `GET` or `HEAD`. */
  readonly method: string;
  readonly path: string;
  /** With its `?`, or nothing. */
  readonly query: string;
  readonly headers: Headers;
}

export interface Page {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An endpoint, or the place of its older transport, at the listener that a request has come to. */
export interface ServedEndpoint {
  readonly path: string;
  /** Its public URL; undefined where nobody has said it. */
  readonly url: string | undefined;
  /** The path of the endpoint, which is another one for the older transport. */
  readonly endpoint: string;
}

/** @returns the page of the first plugin that has one; a failure is a 500, unless the entry passes what it fails at */
export async function pageOf(
  steps: readonly Step[],
  request: PageRequest,
  endpoints: readonly ServedEndpoint[],
  host: Host,
): Promise<Page | undefined> {
  const { signal } = new AbortController();
  for (const step of steps) {
    const { hooks, id, mode, onError } = step;
    if (!hooks.onHttp || mode === 'shadow') continue;
    const own = endpoints.filter(({ endpoint }) => step.covers?.(endpoint) ?? true);
    try {
      const page = await guardOf(step, host).in({ signal, held: false }, hooks.onHttp(request, own));
      if (page === undefined || page === null) continue;
      if (!isPage(page)) throw new TypeError('onHttp must return a page or nothing');
      return page;
    } catch (error) {
      host.metrics.pluginErrors.inc({ plugin: id });
      host.log.error('plugin failed', { plugin: id, path: request.path, error: messageOf(error) });
      if (onError === 'refuse') return { status: 500 };
    }
  }
  return undefined;
}

function isPage(value: unknown): value is Page {
  const { status, body = '' } = Object(value) as Partial<Page>;
  return Number.isInteger(status) && typeof body === 'string';
}
