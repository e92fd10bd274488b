// Which core does what: the one under test has the first to itself, load and upstream share the second.
import { availableParallelism } from 'node:os';

const canPin = Bun.which('taskset') !== null && availableParallelism() > 1;

const on = (core: number): readonly string[] => (canPin ? ['taskset', '-c', String(core)] : []);

/** What a command begins with, to run where it belongs. */
export const SUBJECT = on(0);
export const REST = on(1);
