// What a limit is counted by: from its `per` to the key of a call. Keys hold what callers have sent; stores keep a
// digest.

import { type Expression, readExpression } from './expression.ts';
import { type Dimension, isDimension } from './options.ts';
import { AT_THE_DOOR } from './rules.ts';
import type { Subject } from './subject.ts';

export interface Keys {
  /** Values of a call, one for each of `per`; undefined where the limit is not about it: nobody is at an address. */
  valuesOf(subject: Subject): readonly string[] | undefined;
  /** Whether it is the caller's own: then its caller may be told how it stands. */
  readonly isOwn: boolean;
  /** Whether every key belongs to one tenant. */
  readonly hasTenant: boolean;
  /** Whether all of it is known before anybody is let in. */
  readonly isAtDoor: boolean;
}

/** Characters of what an expression gives. */
const LONGEST = 1_024;

const VALUES: Readonly<Record<Dimension, (subject: Subject) => string | undefined>> = {
  principal: ({ principal }) => principal,
  tenant: ({ tenant }) => tenant,
  upstream: ({ upstream }) => upstream,
  tool: ({ tools }) => tools.at(-1) ?? '',
  client: ({ client }) => client,
  address: ({ address }) => address,
  endpoint: ({ endpoint }) => endpoint,
  all: () => '',
};

/** What makes a key one caller's, and one tenant's. */
const OWN = ['principal', 'tenant', 'address', 'principal.id', 'principal.tenant'];
const TENANTS = ['principal', 'tenant'];

export function keysOf(per: readonly string[]): Keys {
  const parts = per.map((each) => (isDimension(each) ? VALUES[each] : byExpression(compiled(each))));
  const names = per.flatMap((each) => (isDimension(each) ? [each] : [...compiled(each).names]));
  return {
    valuesOf(subject) {
      const values = parts.map((part) => part(subject));
      return values.includes(undefined) ? undefined : (values as string[]);
    },
    isOwn: names.some((name) => OWN.includes(name)),
    hasTenant: per.some((each) => TENANTS.includes(each)),
    isAtDoor: per.every((each) => AT_THE_DOOR.includes(each)) && per.includes('address'),
  };
}

function compiled(text: string): Expression {
  const read = readExpression(text, 'key');
  if (typeof read === 'string') throw new Error(read);
  return read;
}

function byExpression(expression: Expression): (subject: Subject) => string | undefined {
  return (subject) => {
    if (expression.names.has('args') && !subject.isToolCall) return undefined;
    const value = expression.evaluate(subject.knownTo(expression.names));
    const isKey = typeof value === 'string' || typeof value === 'bigint' || typeof value === 'boolean';
    if (!isKey && typeof value !== 'number')
      throw new Error('the expression of a limit gives no text to count by');
    return String(value).slice(0, LONGEST);
  };
}
