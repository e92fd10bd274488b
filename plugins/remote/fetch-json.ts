// A JSON object from a server that the configuration names.

import { duration, z } from '../../src/plugin.ts';
import { type FetchOptions, fetchWhole, RemoteFault } from './fetch.ts';

/** The bounds as options. */
export const fetchLimits = z
  .strictObject({
    timeout: duration('4s', { description: 'Longest all requests of one look may take.' }, 1),
    bytes: z
      .int()
      .min(1_024)
      .max(16 * 1_024 * 1_024)
      .meta({ description: 'Most bytes of one answer.' })
      .prefault(256 * 1_024),
  })
  .meta({ description: 'Bounds on requests to the server.' });

/** An answer with another status than 200. */
export class StatusFault extends RemoteFault {
  constructor(
    host: string,
    readonly status: number,
  ) {
    super(`${host} answered ${status}`, 'status');
  }
}

/**
 * @param limits `timeout` in milliseconds
 * @throws RemoteFault unless it is one, with status 200
 */
export async function fetchJson(
  url: string,
  limits: FetchOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetchWhole(url, { headers: { accept: 'application/json' } }, limits);
  const { host } = new URL(url);
  if (response.status !== 200) throw new StatusFault(host, response.status);
  const value: unknown = await response.json().catch(() => undefined);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RemoteFault(`${host} answered with something that is no JSON object`, 'not_json');
  return value as Readonly<Record<string, unknown>>;
}
