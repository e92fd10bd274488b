// What was seen to work between whom: a line for each pair, a column for each thing that clients and servers do.
import { type Client, nameOf, type Pair, type Server } from './matrix.ts';
import type { Step } from './pair.ts';

/** The steps that show each of them. */
const FEATURES: Readonly<Record<string, readonly string[]>> = {
  call: ['connect', 'echo'],
  lists: ['lists'],
  progress: ['progress'],
  cancel: ['cancel'],
  elicitation: ['accept', 'decline'],
  sampling: ['sample'],
  subscription: ['subscribe'],
  prompt: ['prompt'],
  errors: ['toolError', 'unknownTool', 'unknownResource'],
};

export interface Verdicts {
  /** Nobody can run it here, and why. */
  skip(pair: Pair, why: string): void;
  judge(pair: Pair, said: Readonly<Record<string, Step>>, wanted: Readonly<Record<string, Step>>): void;
  /** Everything so far, as Markdown. */
  readonly text: string;
}

type Steps = Readonly<Record<string, Step>>;

export function createVerdicts(): Verdicts {
  const rows: string[][] = [];
  const reasons = new Set<string>();
  const head = ['client', 'server', 'over → via', ...Object.keys(FEATURES)];
  const who = (client: Client, server: Server, way: string): string[] => [
    nameOf(client),
    nameOf(server),
    way,
  ];
  return {
    skip({ client, server, over, via }, why) {
      reasons.add(why);
      rows.push([...who(client, server, `${over} → ${via}`), ...Object.keys(FEATURES).map(() => '-')]);
    },
    judge({ client, server, over, via }, said, wanted) {
      const cells = Object.values(FEATURES).map((steps) => verdictOf(steps, said, wanted));
      rows.push([...who(client, server, `${over} → ${via}`), ...cells]);
    },
    get text() {
      const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
      const skipped = [...reasons].map((why) => `skipped: ${why}`);
      return [...skipped, line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
    },
  };
}

function verdictOf(steps: readonly string[], said: Steps, wanted: Steps): string {
  return steps.every((step) => Bun.deepEquals(said[step], wanted[step])) ? 'ok' : 'FAILED';
}
