// What limits look at of one call: found out once, and only as far as it is asked for.

import { type Exchange, identityKey, type JsonValue } from '../../src/plugin.ts';
import { networkOf } from '../remote/network.ts';
import type { Known } from './expression.ts';

/** Bytes of arguments that an expression may look into. */
export const ARGS_MAX = 65_536;

/** The arguments are more than an expression may look into. */
export class TooLarge extends Error {}

export class Subject {
  readonly #x: Exchange;
  #known: Known | undefined;
  #address: string | undefined | null = null;

  constructor(x: Exchange) {
    this.#x = x;
  }

  get method(): string {
    return this.#x.request.method;
  }

  /** The tool as the client names it. */
  get tool(): string {
    return this.isToolCall ? textOf(this.#x.request.params.name) : '';
  }

  /** The same tool by every name it is called: a limit is not got around by another endpoint. */
  get tools(): readonly string[] {
    const { route } = this.#x;
    if (this.tool === '') return [];
    return route.kind === 'one' && route.name !== undefined
      ? [this.tool, `${route.upstream}/${route.name}`]
      : [this.tool];
  }

  get upstream(): string {
    const { leg, route } = this.#x;
    return leg?.upstream ?? (route.kind === 'one' ? route.upstream : '');
  }

  /** Who it is: tenants and issuers may give the same id, which are several. */
  get principal(): string {
    return identityKey(this.#x.principal);
  }

  get tenant(): string {
    return this.#x.principal.tenant ?? '';
  }

  /** For people. */
  get who(): string {
    const { id, tenant } = this.#x.principal;
    return tenant === undefined ? id : `${tenant}/${id}`;
  }

  get client(): string {
    return this.#x.client.info?.string('name') ?? '';
  }

  get endpoint(): string {
    return this.#x.inbound.endpoint;
  }

  /**
   * Where the connection comes from, never what a header says of it. Of IPv6 the network: a client has all addresses
   * of that. Undefined where nobody is at another address.
   */
  get address(): string | undefined {
    if (this.#address === null) this.#address = networkOf(this.#x.inbound.remote?.());
    return this.#address;
  }

  /** Whether there are arguments of a tool that an expression may look at. */
  get isToolCall(): boolean {
    return this.method === 'tools/call';
  }

  /** Bytes of the arguments. */
  get size(): number {
    const { raw } = this.#x.request;
    return raw === undefined ? 0 : Buffer.byteLength(raw.text);
  }

  /** @param names what is looked at of it. @throws TooLarge */
  knownTo(names: ReadonlySet<string>): Known {
    if (names.has('args') && this.size > ARGS_MAX) throw new TooLarge();
    this.#known ??= this.#look();
    return this.#known;
  }

  #look(): Known {
    const { principal, request } = this.#x;
    return {
      principal: {
        id: principal.id,
        tenant: principal.tenant ?? '',
        scopes: [...principal.scopes],
        groups: [...(principal.groups ?? [])],
      },
      method: this.method,
      tool: this.tool,
      upstream: this.upstream,
      client: this.client,
      endpoint: this.endpoint,
      address: this.address ?? '',
      args: () => objectOf(request.params.arguments),
      request_bytes: BigInt(this.size),
    };
  }
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function objectOf(value: JsonValue | undefined): JsonValue | undefined {
  return typeof value === 'object' && !Array.isArray(value) ? (value ?? undefined) : undefined;
}
