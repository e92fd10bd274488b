// What a process and its children take, as Linux counts it; elsewhere NaN.
import { readFile } from 'node:fs/promises';

/** Of /proc/PID/stat: ticks of 10 ms, on every Linux there is. */
const TICK_US = 10_000;

const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

/** Resident memory of one process, in bytes. */
export async function memoryOf(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await read(`/proc/${pid}/status`))?.[1] ?? Number.NaN) * 1024;
}

/** Processor time of one process so far, its threads included, in microseconds. */
async function timeOf(pid: number): Promise<number> {
  // The second field is a name, which may hold anything.
  const [, rest] = /\) (.*)/.exec(await read(`/proc/${pid}/stat`)) ?? [];
  const [user, system] = rest?.split(' ').slice(11, 13).map(Number) ?? [];
  return ((user ?? Number.NaN) + (system ?? Number.NaN)) * TICK_US;
}

async function withChildren(pid: number): Promise<number[]> {
  const children = (await read(`/proc/${pid}/task/${pid}/children`)).split(' ').filter(Boolean).map(Number);
  return [pid, ...(await Promise.all(children.map(withChildren))).flat()];
}

export interface Usage {
  /** Microseconds of processor time so far. */
  readonly cpu: number;
  /** Bytes. */
  readonly memory: number;
}

export async function usageOf(pid: number): Promise<Usage> {
  const all = await withChildren(pid);
  const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);
  return {
    cpu: sum(await Promise.all(all.map(timeOf))),
    memory: sum(await Promise.all(all.map(memoryOf))),
  };
}
