// What is asked, how often at once, and of whom.
import type { Era } from '../../src/protocol/message.ts';

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly tool: 'echo' | 'events_1' | 'events_20' | 'large';
  /** Of the clients, and of the upstream. */
  readonly eras: readonly [client: Era, upstream: Era];
  readonly connections: number;
  /** Milliseconds between an answer and the next request. */
  readonly pause?: number;
  /** Left out where time is short. */
  readonly isLong?: true;
  /** Names of targets; all without it. */
  readonly of?: readonly string[];
  /** The workload whose direct figures and nginx's are the measure: neither of them bridges. */
  readonly beside?: string;
}

const MAIN = ['direct', 'nginx', 'gateway', '+ all five'];
const PLAIN = ['direct', 'nginx', 'gateway'];
const NEW = ['2026', '2026'] as const;

export const WORKLOADS: readonly Workload[] = [
  { name: 'calls', title: 'JSON of 1 KB', tool: 'echo', eras: NEW, connections: 64 },
  { name: 'crowd', title: 'JSON of 1 KB', tool: 'echo', eras: NEW, connections: 512, of: MAIN, isLong: true },
  {
    name: 'calm',
    title: 'JSON of 1 KB, 2 ms apart',
    tool: 'echo',
    eras: NEW,
    connections: 1,
    pause: 2,
    of: MAIN,
  },
  {
    name: 'event',
    title: 'a stream of 1 event',
    tool: 'events_1',
    eras: NEW,
    connections: 16,
    of: MAIN,
    isLong: true,
  },
  { name: 'events', title: 'a stream of 20 events', tool: 'events_20', eras: NEW, connections: 16, of: MAIN },
  { name: 'large', title: 'JSON of 1 MB', tool: 'large', eras: NEW, connections: 8, of: MAIN },
  { name: 'old', title: 'JSON of 1 KB', tool: 'echo', eras: ['2025', '2025'], connections: 64, of: PLAIN },
  {
    name: 'to-old',
    title: 'JSON of 1 KB',
    tool: 'echo',
    eras: ['2026', '2025'],
    connections: 64,
    of: ['gateway'],
    beside: 'calls',
  },
  {
    name: 'from-old',
    title: 'JSON of 1 KB',
    tool: 'echo',
    eras: ['2025', '2026'],
    connections: 64,
    of: ['gateway'],
    beside: 'old',
  },
];

export function titleOf({ name, title, eras, connections }: Workload): string {
  const many = connections === 1 ? '1 connection' : `${connections} connections`;
  return `${name}: tools/call, ${title}, ${many}, ${eras.join(' → ')}`;
}
