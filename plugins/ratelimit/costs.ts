// What a call costs: before it runs, and when it is over.

import { anyGlob } from '../../src/plugin.ts';
import { type Expression, readExpression } from './expression.ts';
import type { LimitOptions } from './options.ts';

import type { Subject } from './subject.ts';

/** How a call ended. */
export interface Ending {
  readonly bytes: number;
  readonly ms: number;
  readonly failed: boolean;
}

const MOST = 1e9;

/** @returns what gives the cost of a call before it runs. It throws where an expression fails. */
export function costOf(cost: LimitOptions['cost'] = 1): (subject: Subject) => number {
  if (typeof cost === 'number') return () => cost;
  if (typeof cost === 'object') return byTable(Object.entries(cost));
  const expression = compiled(cost, 'cost');
  return (subject) =>
    isAbout(expression, subject) ? numberOf(expression.evaluate(subject.knownTo(expression.names))) : 1;
}

/** @returns what gives the cost in the end, or undefined where that is what it was before */
export function costAfterOf(
  after: LimitOptions['cost_after'],
): ((subject: Subject, cost: number, ending: Ending) => number) | undefined {
  if (after === undefined) return undefined;
  if (typeof after === 'object') {
    const { bytes, duration } = after;
    return (_subject, cost, ending) =>
      cost + (bytes ? ending.bytes / bytes : 0) + (duration ? ending.ms / duration : 0);
  }
  const expression = compiled(after, 'after');
  return (subject, cost, { bytes, ms, failed }) => {
    if (!isAbout(expression, subject)) return cost;
    const known = {
      ...subject.knownTo(expression.names),
      result_bytes: BigInt(bytes),
      ms: BigInt(Math.round(ms)),
      failed,
      cost,
    };
    return numberOf(expression.evaluate(known));
  };
}

/** The first row that has one of the tool's names. */
function byTable(rows: readonly (readonly [tool: string, cost: number])[]): (subject: Subject) => number {
  const tests = rows.map(([tool, cost]) => [anyGlob([tool]), cost] as const);
  return ({ tools }) => tests.find(([test]) => tools.some(test))?.[1] ?? 1;
}

/** One that looks at arguments is about calls of tools: all else costs what it does in a table that has no row for it. */
function isAbout({ names }: Expression, { isToolCall }: Subject): boolean {
  return isToolCall || !names.has('args');
}

function compiled(text: string, purpose: 'cost' | 'after'): Expression {
  const read = readExpression(text, purpose);
  if (typeof read === 'string') throw new Error(read);
  return read;
}

function numberOf(value: unknown): number {
  const number = Number(value);
  if (typeof value === 'string' || !(number >= 0 && number <= MOST))
    throw new Error(`the expression of a limit gives no cost from 0 to ${MOST}`);
  return number;
}
