// Two things under one name: one of them, or none, is offered so. Which is the endpoint's policy, and never goes
// unnoticed.

import { joined, PREFIX } from '../lib/name-template.ts';
import type { Naming } from './naming.ts';
import type { Offered } from './offering.ts';
import type { Remark } from './remarks.ts';

export type Collisions = 'first' | 'refuse' | 'prefix';

export interface Settling {
  readonly policy: Collisions;
  /** Of tools or prompts; undefined for what has a URI, whose first owner has it. */
  readonly naming: Naming | undefined;
  readonly remark: Remark;
}

/** What is left, in the same order, under names that differ. */
export function withoutCollisions(all: readonly Offered[], settling: Settling): Offered[] {
  const owners = new Map<string, Offered>();
  const refused = new Set<string>();
  const kept: Offered[] = [];
  for (const one of all) {
    const first = owners.get(one.name);
    if (!first) {
      owners.set(one.name, one);
      kept.push(one);
      continue;
    }
    // What an upstream has twice is its own affair.
    if (first.upstream === one.upstream && first.own === one.own) continue;
    const other = settled(first, one, owners, settling);
    if (other === 'neither') refused.add(one.name);
    else if (other) {
      owners.set(other.name, other);
      kept.push(other);
    }
  }
  return refused.size === 0 ? kept : kept.filter(({ name }) => !refused.has(name));
}

/** What becomes of the later one. */
function settled(
  first: Offered,
  later: Offered,
  owners: ReadonlyMap<string, Offered>,
  { policy, naming, remark }: Settling,
): Offered | 'neither' | undefined {
  const names = { name: later.name, first: first.upstream, upstream: later.upstream };
  if (naming && policy === 'refuse') {
    remark('error', `two are called ${later.name}: neither is offered`, names);
    return 'neither';
  }
  const full = naming && policy === 'prefix' ? joined(PREFIX, later.upstream, later.full) : later.full;
  const name = naming?.shown(full) ?? full;
  if (owners.has(name)) {
    remark('warn', `two are called ${later.name}: that of ${first.upstream} is offered`, names);
    return undefined;
  }
  remark('warn', `two are called ${later.name}: that of ${later.upstream} is offered as ${name}`, names);
  return { ...later, full, name, item: later.item.with({ name }) };
}
