// Who is next of those that wait: deficit round robin (Shreedhar and Varghese, 1995) between tenants, and round robin
// between the principals of each. Must not know clocks, calls or places.

/** Somebody who waits. */
export interface Waiter<T> {
  readonly value: T;
  readonly tenant: string;
  readonly principal: string;
  /** How much of a turn it takes. */
  readonly cost: number;
}

interface Tenant<T> {
  readonly name: string;
  /** By principal, the one whose turn it is first. */
  readonly principals: Map<string, Waiter<T>[]>;
  /** What it may still take in this turn. */
  deficit: number;
  size: number;
}

export class FairQueue<T> {
  /** The one whose turn it is first. */
  readonly #tenants = new Map<string, Tenant<T>>();
  /** What a turn gives: never less than the dearest of those that have waited, so that every turn lets one pass. */
  #quantum = 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(waiter: Waiter<T>): void {
    const { tenant: name, principal, cost } = waiter;
    const tenant = this.#tenants.get(name) ?? { name, principals: new Map(), deficit: 0, size: 0 };
    this.#tenants.set(name, tenant);
    const own = tenant.principals.get(principal) ?? [];
    tenant.principals.set(principal, own);
    own.push(waiter);
    this.#quantum = Math.max(this.#quantum, cost);
    this.#count(tenant, 1);
  }

  /** Takes the next one of those tenants that may have a place. */
  next(may: (tenant: string) => boolean): Waiter<T> | undefined {
    for (const tenant of this.#tenants.values()) {
      if (!may(tenant.name)) continue;
      const [principal, own] = tenant.principals.entries().next().value ?? [];
      const first = own?.[0];
      if (principal === undefined || !own || !first) continue;
      if (tenant.deficit < first.cost) tenant.deficit += this.#quantum;
      tenant.deficit -= first.cost;
      own.shift();
      this.#turn(tenant, principal, own);
      return first;
    }
    return undefined;
  }

  /** One who does not wait any more. @returns whether it did */
  remove(waiter: Waiter<T>): boolean {
    const tenant = this.#tenants.get(waiter.tenant);
    const own = tenant?.principals.get(waiter.principal);
    const at = own?.indexOf(waiter) ?? -1;
    if (!tenant || !own || at < 0) return false;
    own.splice(at, 1);
    if (own.length === 0) tenant.principals.delete(waiter.principal);
    this.#count(tenant, -1);
    return true;
  }

  /**
   * Who has to go where there is room for no more and this one comes: the latest of the principal that has most, of the
   * tenant that has most. Undefined where that would be the one who comes.
   */
  victim(tenant: string, principal: string): Waiter<T> | undefined {
    const longest = greatest([...this.#tenants.values()], ({ size }) => size);
    if (!longest) return undefined;
    const own = this.#tenants.get(tenant);
    if (longest !== own && longest.size <= (own?.size ?? 0) + 1) return undefined;
    const most = greatest([...longest.principals.values()], ({ length }) => length);
    const mine = longest === own ? (own.principals.get(principal)?.length ?? 0) : 0;
    if (longest === own && (most?.length ?? 0) <= mine + 1) return undefined;
    return most?.at(-1);
  }

  /** Moves the principal behind the others of its tenant, and the tenant behind others where its turn is over. */
  #turn(tenant: Tenant<T>, principal: string, own: Waiter<T>[]): void {
    tenant.principals.delete(principal);
    if (own.length > 0) tenant.principals.set(principal, own);
    this.#count(tenant, -1);
    const [next] = tenant.principals.values().next().value ?? [];
    if (!next || tenant.deficit >= next.cost) return;
    this.#tenants.delete(tenant.name);
    this.#tenants.set(tenant.name, tenant);
  }

  #count(tenant: Tenant<T>, by: 1 | -1): void {
    tenant.size += by;
    this.#size += by;
    if (tenant.size === 0) this.#tenants.delete(tenant.name);
  }
}

function greatest<T>(all: readonly T[], size: (one: T) => number): T | undefined {
  return all.reduce<T | undefined>((a, b) => (a && size(a) >= size(b) ? a : b), undefined);
}
