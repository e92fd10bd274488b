// Rows as they are printed, and what moved since a run that was saved.
import { FIGURES, type Figures, type Row, ratioOf } from './figures.ts';

const COLUMNS = [
  ...['req/s', '× nginx', '× direct', 'p50 µs', '× nginx', '× direct', 'p99 µs', '× nginx', '× direct'],
  ...['CPU µs', '× nginx', 'MB', '× nginx', 'bad'],
];
/** By less than this a figure moves on its own. */
const MOVED = 0.05;
/** How far apart rounds may be where there was one alone. */
const LONE = 0.25;

const known = (value: number | null | undefined): value is number => Number.isFinite(value);
const whole = (value: number): string => (known(value) ? value.toFixed(0) : '-');
const tenths = (value: number): string => (known(value) ? value.toFixed(1) : '-');
const times = (value: number | undefined): string => (known(value) ? value.toFixed(2) : '-');
const line = (name: string, cells: readonly string[]): string =>
  `  ${name.padEnd(14)}${cells.map((cell) => cell.padStart(9)).join('')}`;

export const header = (): string => line('', COLUMNS);

export function lineOf({ target, median, bad, toNginx, toDirect }: Row): string {
  const latency = (name: 'p50' | 'p99') => [
    whole(median[name]),
    times(toNginx?.[name]),
    times(toDirect?.[name]),
  ];
  return line(target, [
    ...[whole(median.rate), times(toNginx?.rate), times(toDirect?.rate)],
    ...latency('p50'),
    ...latency('p99'),
    ...[tenths(median.cpu), times(toNginx?.cpu)],
    ...[whole(median.memory / 1_000_000), times(toNginx?.memory)],
    String(bad),
  ]);
}

/** What each adds to the median of no proxy at all, for a workload in which nothing waits for anything else. */
export function addedLine(rows: readonly Row[]): string {
  const p50 = (name: string) => rows.find(({ target }) => target === name)?.median.p50 ?? Number.NaN;
  const added = (name: string) => p50(name) - p50('direct');
  const told = rows
    .filter(({ target }) => target !== 'direct')
    .map(({ target }) => `${target} ${whole(added(target))} µs (× ${times(added(target) / added('nginx'))})`);
  return `  added at the median: ${told.join(', ')}`;
}

/** Furthest that a round is from another one, as a share of the median. */
function spreadOf({ rounds, median }: Row, name: keyof Figures): number {
  if (rounds.length === 1) return LONE;
  const all = rounds.map((round) => round[name]);
  return (Math.max(...all) - Math.min(...all)) / median[name];
}

/** Of each row that both runs have, the figures that moved by more than the rounds of either are apart. */
export function moves(now: readonly Row[], before: readonly Row[]): string[] {
  return now.flatMap((row) => {
    const old = before.find((each) => each.workload === row.workload && each.target === row.target);
    if (old === undefined) return [];
    const ratio = ratioOf(row.median, old.median);
    const moved = FIGURES.filter((name) => {
      const least = Math.max(MOVED, spreadOf(row, name), spreadOf(old, name));
      return known(ratio[name]) && Math.abs(ratio[name] - 1) > least;
    });
    if (moved.length === 0) return [];
    const told = moved.map((name) => `${name} × ${times(ratio[name])}`);
    return [`  ${`${row.workload} ${row.target}`.padEnd(24)}${told.join(', ')}`];
  });
}
