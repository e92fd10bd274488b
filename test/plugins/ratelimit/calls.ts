// Calls of tools for tests of limits, and what their answers say is left.
import type { testPlugin } from '../../../src/testing.ts';

type Bench = Awaited<ReturnType<typeof testPlugin>>;
export type Call = Parameters<Bench['call']>[0];
type Outcome = Awaited<ReturnType<Bench['call']>>;

interface Made extends Partial<Call> {
  readonly args?: object;
  /** The tool's name at its upstream. */
  readonly own?: string;
}

/** @param params the text of the parameters, where that matters */
export function toolCall(
  name = 'echo',
  { args = {}, own = name, ...more }: Made = {},
  params?: string,
): Call {
  return {
    method: 'tools/call',
    params: params ?? JSON.stringify({ name, arguments: args }),
    route: { kind: 'one', upstream: 'up', name: own, asked: name },
    ...more,
  };
}

/** What the headers of the answer say is left. */
export function remainingOf({ headers }: Outcome): number | undefined {
  const [, left] = /r=(\d+)/.exec(headers.ratelimit ?? '') ?? [];
  return left === undefined ? undefined : Number(left);
}
