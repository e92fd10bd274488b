// A call in which the server of either era asks its client of either era something, as a walk.
import type { Era } from '../walk/leg.ts';
import { readWalk, type Walk } from '../walk/read.ts';

export const eras: readonly Era[] = ['2025', '2026'];

/** @param told what each of them says, from the call to its result */
export function askingWalk(told: { args: string; question: string; answer: string; result: string }): Walk {
  const text = (of: string) => JSON.stringify(of);
  return readWalk(
    'asking',
    `
name: asking
capabilities: { elicitation: {} }
steps:
  - client calls: { method: tools/call, params: { name: ask, arguments: { a: ${text(told.args)} } } }
  - upstream gets: {}
  - upstream asks: { q: { method: elicitation/create, params: { message: ${text(told.question)}, requestedSchema: { type: object, properties: {} } } } }
  - client is asked:
  - client answers: { q: { result: { action: accept, content: { a: ${text(told.answer)} } } } }
  - upstream is answered:
  - upstream answers: { content: [{ type: text, text: ${text(told.result)} }] }
  - client gets: { content: [{ type: text, text: ${text(told.result)} }] }
`,
  );
}
