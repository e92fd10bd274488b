// One round of a workload on a target, and what the medians of its rounds are beside nginx and beside no proxy at all.
import { medianOf } from '../statistics.ts';

export const FIGURES = ['rate', 'p50', 'p99', 'cpu', 'memory'] as const;
/** Requests a second; microseconds until an answer; microseconds of processor time for each; bytes. NaN is unknown. */
export type Figures = Readonly<Record<(typeof FIGURES)[number], number>>;
export type Round = Figures & { readonly bad: number };

export interface Row {
  readonly workload: string;
  readonly target: string;
  readonly median: Figures;
  readonly bad: number;
  readonly rounds: readonly Round[];
  readonly toNginx?: Figures;
  readonly toDirect?: Figures;
}

const made = (figure: (name: (typeof FIGURES)[number]) => number): Figures => ({
  rate: figure('rate'),
  p50: figure('p50'),
  p99: figure('p99'),
  cpu: figure('cpu'),
  memory: figure('memory'),
});

/** How many times as much the one is. */
export const ratioOf = (one: Figures, other: Figures): Figures => made((name) => one[name] / other[name]);

export function rowOf(workload: string, target: string, rounds: readonly Round[]): Row {
  const median = made((name) => medianOf(rounds.map((round) => round[name])));
  return { workload, target, median, bad: rounds.reduce((sum, { bad }) => sum + bad, 0), rounds };
}

/** @param measures rows of the workload that is the measure of each, by the name of its workload */
export function withRatios(rows: readonly Row[], measures: ReadonlyMap<string, string>): Row[] {
  const find = (workload: string, target: string) =>
    rows.find((row) => row.workload === (measures.get(workload) ?? workload) && row.target === target);
  return rows.map((row) => {
    const [nginx, direct] = [find(row.workload, 'nginx'), find(row.workload, 'direct')];
    return {
      ...row,
      ...(nginx && { toNginx: ratioOf(row.median, nginx.median) }),
      ...(direct && { toDirect: ratioOf(row.median, direct.median) }),
    };
  });
}
