// Expressions in CEL, the Common Expression Language, over what is known of a call. They are read with the
// configuration and cannot run away: no loop without end is in the language, and what could take long over large input,
// regular expressions and macros within macros, is refused.

import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import type { JsonValue } from '../../src/plugin.ts';

/** What an expression may look at. */
export interface Known {
  readonly principal: {
    readonly id: string;
    readonly tenant: string;
    readonly scopes: string[];
    readonly groups: string[];
  };
  readonly method: string;
  /** The name the client used; nothing where no tool is called. */
  readonly tool: string;
  readonly upstream: string;
  /** What the client calls itself. */
  readonly client: string;
  readonly endpoint: string;
  readonly address: string;
  /** The arguments; made into maps where they are looked at. */
  args(): JsonValue | undefined;
  /** Bytes of the request. */
  readonly request_bytes: bigint;
}

/** The same when the call is over. */
export interface KnownAfter extends Known {
  readonly result_bytes: bigint;
  /** Milliseconds that it took. */
  readonly ms: bigint;
  readonly failed: boolean;
  /** What was taken before. */
  readonly cost: number;
}

/** Characters of an expression. */
const LONGEST = 1_000;
const LIMITS = {
  maxAstNodes: 200,
  maxDepth: 24,
  maxListElements: 100,
  maxMapEntries: 100,
  maxCallArguments: 8,
};
const MACROS = ['all', 'exists', 'exists_one', 'map', 'filter'];

const before = new Environment({ limits: LIMITS })
  .registerVariable({
    name: 'principal',
    schema: { id: 'string', tenant: 'string', scopes: 'list<string>', groups: 'list<string>' },
  })
  .registerVariable('method', 'string')
  .registerVariable('tool', 'string')
  .registerVariable('upstream', 'string')
  .registerVariable('client', 'string')
  .registerVariable('endpoint', 'string')
  .registerVariable('address', 'string')
  .registerVariable('args', 'map<string, dyn>')
  .registerVariable('request_bytes', 'int');
const after = before
  .clone()
  .registerVariable('result_bytes', 'int')
  .registerVariable('ms', 'int')
  .registerVariable('failed', 'bool')
  .registerVariable('cost', 'double');

/** What an expression has to give, and what it knows. */
export type Purpose = 'key' | 'cost' | 'after';

const WANTED: Readonly<Record<Purpose, readonly string[]>> = {
  key: ['string', 'int', 'uint', 'bool', 'dyn'],
  cost: ['int', 'uint', 'double', 'dyn'],
  after: ['int', 'uint', 'double', 'dyn'],
};

export interface Expression {
  /** The names it looks at, with the members of `principal`: `principal.id`. */
  readonly names: ReadonlySet<string>;
  /** @throws Error where what it looks at is not there, or not what it takes it for */
  evaluate(known: Known | KnownAfter): unknown;
}

/** @returns what is wrong with the text, or what runs it */
export function readExpression(text: string, purpose: Purpose): Expression | string {
  if (text.length > LONGEST) return `the expression is longer than ${LONGEST} characters`;
  const environment = purpose === 'after' ? after : before;
  const { valid, type = '', error } = environment.check(text);
  if (!valid) return `not an expression: ${error?.summary ?? 'it cannot be read'}`;
  if (!WANTED[purpose].includes(type))
    return `the expression gives ${type}: it has to give ${purpose === 'key' ? 'a text' : 'a number'}`;
  const run = environment.parse(text);
  const seen: Seen = { names: new Set(), wrong: undefined };
  look(run.ast, seen, 0);
  const looksIn = seen.names.has('args');
  const evaluate: Expression['evaluate'] = (known) =>
    run({ ...known, args: looksIn ? mapped(known.args() ?? {}) : NO_ARGS });
  return seen.wrong ?? { names: seen.names, evaluate };
}

const NO_ARGS = new Map();

/** As maps: of an object the language would take members for what an object is. */
function mapped(value: JsonValue): unknown {
  if (Array.isArray(value)) return value.map(mapped);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([name, member]) => [name, mapped(member)]));
}

interface Seen {
  readonly names: Set<string>;
  wrong: string | undefined;
}

/** @param depth of macros around it */
function look(node: ASTNode, seen: Seen, depth: number): void {
  if (node.op === 'id') seen.names.add(node.args);
  if (node.op === '.' && node.args[0].op === 'id') seen.names.add(`${node.args[0].args}.${node.args[1]}`);
  const called = node.op === 'rcall' || node.op === 'call' ? node.args[0] : '';
  const isMacro = node.op === 'rcall' && MACROS.includes(called);
  if (called === 'matches') seen.wrong = '"matches" may take for ever: use startsWith, endsWith or contains';
  if (isMacro && depth > 0) seen.wrong = `"${called}" stands within another macro, which may take for ever`;
  for (const child of nodesIn(node.args)) look(child, seen, isMacro ? depth + 1 : depth);
}

function nodesIn(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(nodesIn);
  return typeof args === 'object' && args !== null && 'op' in args ? [args as ASTNode] : [];
}
