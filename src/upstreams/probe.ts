// Whether something at a URL works, found out at little cost: nothing is begun that has to be ended, such as a
// session, and nothing is sent that could do anything.

import { GatewayError } from '../core/errors.ts';
import { aside } from './aside.ts';
import { verdictOnError } from './health.ts';
import { type HeadOptions, headWithoutBody } from './http-head.ts';
import type { HttpOpening } from './http-opening.ts';
import type { Link } from './link.ts';
import { asksDiscover } from './open-http.ts';
import { sendThrough } from './senders.ts';
import type { Probed } from './targets.ts';
import { WrongEra } from './verdict.ts';

export interface Probing {
  /** Whether it is known to speak the era without sessions. */
  readonly stateless: boolean;
  /** One with a session there, if there is one. */
  readonly link: Link | undefined;
  /** What to ask for instead. */
  readonly path: string | undefined;
  /** Longest wait for the answer, milliseconds. */
  readonly timeout: number;
}

/** @throws Error when it does not work */
export async function probe(at: HttpOpening, { stateless, link, path, timeout }: Probing): Promise<Probed> {
  if (path !== undefined) return bare(at, 'GET', new URL(path, at.url).href);
  if (stateless) return spoken(asksDiscover(at));
  if (link && !link.closing)
    return spoken(
      aside(link, at.own('ping', undefined, at.signal), timeout).then((settled) => {
        if (settled.kind === 'failed') throw settled.error;
      }),
    );
  return bare(at, 'OPTIONS', at.url);
}

/** Whatever it says, it speaks. */
async function spoken(said: Promise<unknown>): Promise<Probed> {
  try {
    await said;
  } catch (error) {
    if (!(error instanceof WrongEra) && verdictOnError(error) !== 'answered') throw error;
  }
  return 'works';
}

/** Without a credential of the upstream's: what answers may be anything. */
async function bare(at: HttpOpening, method: 'GET' | 'OPTIONS', url: string): Promise<Probed> {
  const x = at.own(method, undefined, at.signal);
  const head: HeadOptions = { ...at, era: '2025', version: '', session: undefined, headers: {} };
  const { 'mcp-protocol-version': _, ...headers } = headWithoutBody(head, x);
  const { transport } = at;
  const answer = await at.client.send(
    await sendThrough(x, { transport, method, url, headers, body: '' }),
    at.signal,
  );
  answer.discard();
  const { status } = answer;
  const works =
    method === 'GET' ? status >= 200 && status <= 299 : status < 500 || status === NOT_IMPLEMENTED;
  if (!works)
    throw new GatewayError(
      'UPSTREAM_UNAVAILABLE',
      `The upstream "${at.name}" answered ${status} to a probe.`,
      {
        upstream: at.name,
        status,
      },
    );
  return method === 'GET' ? 'works' : 'reached';
}

/** Of OPTIONS, that is: by a server that works. */
const NOT_IMPLEMENTED = 501;
