// Which fields of a limit go together, and what can be told of its costs before anything runs.

import type { LimitOptions } from './options.ts';

type Given = Omit<LimitOptions, 'name'> & { readonly limits?: readonly LimitOptions[] | undefined };

export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const KINDS = ['rate', 'quota', 'concurrency'] as const;
/** Fields that say nothing with one of the kinds. */
const FOREIGN: Readonly<Record<(typeof KINDS)[number], readonly (keyof LimitOptions)[]>> = {
  rate: ['of', 'queue', 'share'],
  quota: ['burst', 'of', 'queue', 'share'],
  concurrency: ['burst', 'cost_after', 'count', 'fail'],
};
/** What is known before anybody is let in. */
export const AT_THE_DOOR: readonly string[] = ['address', 'endpoint'];

export function problemsOf({ limits, ...short }: Given): Problem[] {
  if (!limits) return ofLimit(short);
  const beside = Object.entries(short)
    .filter(([name, value]) => value !== undefined && name !== 'store' && name !== 'status')
    .map(([name]) => ({ path: [name], message: `"${name}" belongs to one of the limits below "limits"` }));
  const names = limits.map(({ name }) => name);
  const twice = limits.flatMap(({ name }, index) =>
    names.indexOf(name) < index
      ? [{ path: ['limits', index, 'name'], message: 'two limits have this name' }]
      : [],
  );
  const own = limits.flatMap((limit, index) =>
    ofLimit(limit).map(({ path, message }) => ({ path: ['limits', index, ...path], message })),
  );
  return [...beside, ...twice, ...own];
}

function ofLimit(limit: Omit<LimitOptions, 'name'>): Problem[] {
  const [kind, other] = KINDS.filter((each) => limit[each] !== undefined);
  if (kind === undefined) return [{ path: [], message: 'a limit needs "rate", "quota" or "concurrency"' }];
  if (other !== undefined)
    return [{ path: [other], message: `a limit has one of "${kind}" and "${other}": make two of it` }];
  const foreign = FOREIGN[kind]
    .filter((name) => (limit as Partial<LimitOptions>)[name] !== undefined)
    .map((name) => ({ path: [name], message: `"${name}" says nothing with "${kind}"` }));
  return [...foreign, ...ofQueue(limit), ...ofCount(limit), ...ofCosts(limit)];
}

function ofQueue({ of, queue }: Omit<LimitOptions, 'name'>): Problem[] {
  if (of === undefined || of === 'calls' || queue === undefined) return [];
  return [{ path: ['queue'], message: `${of} do not wait: a client begins another one when it likes` }];
}

function ofCount({ count, per, when, cost }: Omit<LimitOptions, 'name'>): Problem[] {
  if (count !== 'failures') return [];
  if (dimensionsOf(per).some((each) => !AT_THE_DOOR.includes(each)))
    return [{ path: ['count'], message: 'who was not let in is nobody: count failures per address' }];
  if (when !== undefined || cost !== undefined)
    return [{ path: ['count'], message: 'failures are counted one by one, whatever was asked for' }];
  return [];
}

/** A cost that the limit never has is one that can never be paid. */
function ofCosts({ rate, burst, quota, cost }: Omit<LimitOptions, 'name'>): Problem[] {
  const most = rate ? (burst ?? rate.units) : quota?.units;
  if (most === undefined || cost === undefined || typeof cost === 'string') return [];
  const message = (of: number): string => `a cost of ${of} is more than the limit ever has (${most})`;
  if (typeof cost === 'number') return cost > most ? [{ path: ['cost'], message: message(cost) }] : [];
  return Object.entries(cost)
    .filter(([, of]) => of > most)
    .map(([tool, of]) => ({ path: ['cost', tool], message: message(of) }));
}

export function dimensionsOf(per: LimitOptions['per'] = 'principal'): readonly string[] {
  return typeof per === 'string' ? [per] : per;
}
