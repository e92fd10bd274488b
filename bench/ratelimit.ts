// Limits: what is let in beside the ideal, what callers notice while Redis is away, and what a take costs. Needs a
// redis-server. Prints figures and judges nothing: `npm run bench -- ratelimit`.
import { admissions } from './ratelimit/admitted.ts';
import { absences } from './ratelimit/away.ts';
import { costs } from './ratelimit/cost.ts';

const of = (share: number, values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ??
  Number.NaN;
const row = (what: string, ...cells: readonly string[]): void =>
  console.log(what.padEnd(52), ...cells.map((cell) => cell.padStart(16)));
const ms = (value: number): string => `${value.toFixed(1)} ms`;
const us = (value: number): string => `${value.toFixed(1)} µs`;

row('1,000 a second and 800 at once', 'let in', 'ideal', 'apart');
for await (const { what, admitted, ideal } of admissions())
  row(what, admitted.toFixed(0), ideal.toFixed(0), `${((admitted / ideal - 1) * 100).toFixed(2)} %`);

console.log();
row('Redis, deadline 50 ms', 'p99 before', 'longest then', 'back after', 'at most');
for await (const { what, before, during, recovery } of absences())
  row(what, ms(of(0.99, before)), ms(Math.max(...during)), ms(of(0.5, recovery)), ms(Math.max(...recovery)));

console.log();
row('a take', 'median', 'p99', 'longest');
for await (const { what, times } of costs())
  row(what, us(of(0.5, times)), us(of(0.99, times)), us(Math.max(...times)));
