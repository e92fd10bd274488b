// The load of machines without wrk: reads from a file what to offer, prints what was heard.
import { readFile } from 'node:fs/promises';
import type { Socket } from 'bun';
import type { Load } from './load.ts';
import { FIRST } from './requests.ts';

interface Connection {
  began: number;
  /** Bytes still to come of an answer; Infinity where an empty chunk ends it, NaN before its head. */
  left: number;
  /** Its first or, of one in chunks, its last bytes. */
  seen: string;
}

const END = '\r\n0\r\n\r\n';
const load: Load = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8'));
const { hostname, port } = new URL(load.url);
const took: number[] = [];
let [number, bad] = [FIRST, 0];

function ask(socket: Socket<Connection>): void {
  number++;
  const pieces = load.requests[number % load.requests.length] ?? [];
  socket.data = { began: performance.now(), left: Number.NaN, seen: '' };
  socket.write(pieces.join(String(number)));
}

/** How much of an answer is behind its head, and how much of that came with it. */
function begin(connection: Connection, text: string): void {
  connection.seen += text;
  const end = connection.seen.indexOf('\r\n\r\n');
  if (end < 0) return;
  const head = connection.seen.slice(0, end);
  if (!/^HTTP\/1\.1 2/.test(head)) bad++;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  connection.left = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
  connection.left -= connection.seen.length - end - 4;
}

function take(socket: Socket<Connection>, chunk: Buffer): void {
  const connection = socket.data;
  if (Number.isNaN(connection.left)) begin(connection, chunk.toString('latin1'));
  else {
    connection.left -= chunk.length;
    connection.seen = (connection.seen + chunk.subarray(-END.length).toString('latin1')).slice(-END.length);
  }
  const isComplete = connection.left === 0 || (connection.left > 0 && connection.seen.endsWith(END));
  if (!isComplete) return;
  took.push((performance.now() - connection.began) * 1_000);
  if (load.pause > 0) setTimeout(ask, load.pause, socket);
  else ask(socket);
}

const data: Connection = { began: 0, left: Number.NaN, seen: '' };
const socket = { open: ask, data: take, close: () => void bad++, connectError: () => void bad++ };
const began = performance.now();
for (let at = 0; at < load.connections; at++)
  void Bun.connect<Connection>({ hostname, port: Number(port), data, socket });
// As long as the load is to last: that is what is measured.
await Bun.sleep(load.seconds * 1_000);
const seconds = (performance.now() - began) / 1_000;
const sorted = Float64Array.from(took).sort();
const of = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? -1;
console.log(JSON.stringify({ requests: took.length, seconds, p50: of(0.5), p99: of(0.99), bad }));
process.exit();
