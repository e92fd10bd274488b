// What some callers see and others do not: the first view that is for a caller holds, and without one there is
// nothing. Knows no upstream.

import type { Principal } from '../core/client.ts';
import { anyOf, type Test } from '../lib/glob.ts';
import { nameRules, type Rules, uriRules } from './rules.ts';
import type { Listed } from './target.ts';

/** All that is given must hold. */
export interface Callers {
  readonly principals?: readonly string[] | undefined;
  readonly tenants?: readonly string[] | undefined;
  /** One of them is enough. */
  readonly groups?: readonly string[] | undefined;
  /** All of them are needed. */
  readonly scopes?: readonly string[] | undefined;
}

export interface View {
  /** Undefined: for everybody. */
  readonly for?: Callers | undefined;
  readonly tools?: Rules | undefined;
  readonly prompts?: Rules | undefined;
  readonly resources?: Rules | undefined;
}

/** Whether a thing of a kind, by its whole name or URI, is there. Undefined: all of that kind is. */
export type Sight = Readonly<Record<Listed['kind'], Test | undefined>>;

const nothing: Test = () => false;
const NOTHING: Sight = { tool: nothing, prompt: nothing, resource: nothing, template: nothing };

export function sightOf({ tools, prompts, resources }: Omit<View, 'for'>): Sight {
  const uris = uriRules(resources);
  return { tool: nameRules(tools), prompt: nameRules(prompts), resource: uris, template: uris };
}

/** What one caller sees. */
export interface Viewed {
  /** The same for all who see the same. */
  readonly key: string;
  readonly sight: Sight;
}

const NOBODY: Viewed = { key: 'none', sight: NOTHING };

/** @returns undefined where there are no views: everybody sees everything */
export function createViews(views: readonly View[]): ((caller: Principal) => Viewed) | undefined {
  if (views.length === 0) return undefined;
  const all = views.map((view, i) => ({
    isFor: callersTest(view.for),
    viewed: { key: String(i), sight: sightOf(view) },
  }));
  return (caller) => all.find(({ isFor }) => isFor(caller))?.viewed ?? NOBODY;
}

function callersTest(callers: Callers = {}): (caller: Principal) => boolean {
  const principals = anyOf(callers.principals);
  const tenants = anyOf(callers.tenants);
  const groups = anyOf(callers.groups);
  const { scopes = [] } = callers;
  return (caller) =>
    (!principals || principals(caller.id)) &&
    (!tenants || (caller.tenant !== undefined && tenants(caller.tenant))) &&
    (!groups || (caller.groups ?? []).some(groups)) &&
    scopes.every((scope) => caller.scopes.includes(scope));
}
