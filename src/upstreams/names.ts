// From the name of an upstream to addresses that may be connected to: looked up once for each connection, judged, and
// used as judged. What a name led to first is remembered, since one that could be anybody's may come to lead into
// our own network (DNS rebinding).

import type { LookupFunction } from 'node:net';
import type { Host } from '../core/host.ts';
import { type Reach, reachOf } from './addresses.ts';

/** All addresses of a name. @throws what the resolver says */
export type LookUp = (name: string) => Promise<readonly string[]>;

/** Where the name of an upstream may lead; to no link-local address in any case. */
export type Network =
  /** Anywhere, but not into a private network once it was public. */
  | 'auto'
  /** To public addresses alone. */
  | 'public'
  /** Anywhere, and elsewhere the next time. */
  | 'private';

export class AddressRefused extends Error {}

export class Names {
  readonly #lookUp: LookUp;
  readonly #host: Pick<Host, 'log' | 'metrics'>;
  readonly #asking = new Map<string, Promise<readonly string[]>>();
  /** Names that led to nothing but public addresses when they were first looked up; names come from the configuration. */
  readonly #wasPublic = new Map<string, boolean>();

  constructor(lookUp: LookUp, host: Pick<Host, 'log' | 'metrics'>) {
    this.#lookUp = lookUp;
    this.#host = host;
  }

  /** For the connections of one upstream. It is not asked where an address is written out. */
  for(upstream: string, network: Network): LookupFunction {
    return (name, options, done) => {
      const found = (addresses: readonly string[]): void => {
        const all = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
        const [first] = all;
        if (options.all) done(null, all);
        else done(null, first?.address ?? '', first?.family);
      };
      this.#resolve(name.toLowerCase(), upstream, network).then(found, (error: Error) => done(error, ''));
    };
  }

  async #resolve(name: string, upstream: string, network: Network): Promise<readonly string[]> {
    const addresses = await this.#ask(name);
    if (addresses.length === 0)
      throw Object.assign(new Error('the name has no address'), { code: 'ENOTFOUND' });
    const reaches = new Map(addresses.map((address) => [address, reachOf(address)]));
    const isPublic = addresses.every((address) => reaches.get(address) === 'public');
    const wasPublic = this.#wasPublic.get(name) ?? isPublic;
    this.#wasPublic.set(name, wasPublic);
    const isOpen = network === 'private' || (network === 'auto' && !wasPublic);
    const taken = addresses.filter((address) => {
      const reach = reaches.get(address);
      return reach === 'public' || (isOpen && reach !== 'never');
    });
    if (taken.length > 0) return taken;
    const reach = [...reaches.values()].find((each) => each !== 'public') ?? 'never';
    this.#host.metrics.refusedAddresses.inc({ upstream, reach });
    this.#host.log.warn('the name of an upstream leads where it must not', {
      upstream,
      name,
      reach,
      addresses: addresses.join(' '),
    });
    throw new AddressRefused(why(reach, network));
  }

  /** Many connections that are opened at once ask once. */
  #ask(name: string): Promise<readonly string[]> {
    const asking = this.#asking.get(name);
    if (asking) return asking;
    const asked = this.#lookUp(name).finally(() => this.#asking.delete(name));
    this.#asking.set(name, asked);
    return asked;
  }
}

/** The addresses are for the log: who calls need not know them. */
function why(reach: Reach, network: Network): string {
  if (reach === 'never')
    return 'its name leads to a link-local or reserved address, which has to be written out where it is meant';
  const where = `its name leads to a ${reach} address`;
  return network === 'public'
    ? `${where}, and its network is "public"`
    : `${where}, and led to public ones before; set its network to "private" if both are right`;
}
