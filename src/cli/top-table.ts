// The calls at work as lines of text. Pure: what is known, time and width come in, nothing is written.

import { amount, clip, filled, moving, shareOf } from './bar.ts';
import { visible } from './log-fields.ts';

/** One call, as the admin socket describes it. */
export interface CallRow {
  readonly id: string;
  readonly principal: string;
  readonly tenant?: string;
  readonly client?: string;
  readonly method: string;
  readonly name?: string;
  readonly upstream?: string;
  readonly ms: number;
  readonly phase: string;
  readonly progress?: number;
  readonly total?: number;
  readonly message?: string;
}

export interface Calls {
  readonly calls: number;
  /** Longest at work first. */
  readonly longest: readonly CallRow[];
}

export interface Look {
  readonly columns: number;
  readonly color: boolean;
}

interface Column {
  readonly title: string;
  /** Widest it gets. */
  readonly most: number;
  /** Left out on terminals narrower than this. */
  readonly from: number;
  readonly text: (row: CallRow) => string;
}

const CELLS = 10;
/** Between two steps of a bar without a total, milliseconds. */
const STEP_MS = 250;
const GAP = '  ';

const COLUMNS: readonly Column[] = [
  { title: 'AGE', most: 6, from: 0, text: ({ ms }) => age(ms) },
  {
    title: 'WHO',
    most: 20,
    from: 60,
    text: ({ tenant, principal }) => (tenant === undefined ? principal : `${tenant}/${principal}`),
  },
  { title: 'CLIENT', most: 16, from: 110, text: ({ client = '-' }) => client },
  { title: 'CALL', most: 28, from: 0, text: ({ name, method }) => name ?? method },
  { title: 'UPSTREAM', most: 14, from: 90, text: ({ upstream = '-' }) => upstream },
];

/** A line of titles, and one for each call; none is wider than the terminal. */
export function callLines(rows: readonly CallRow[], look: Look): string[] {
  const columns = COLUMNS.filter(({ from }) => look.columns >= from);
  const cells = rows.map((row) => columns.map(({ text, most }) => clip(visible(text(row)), most)));
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...cells.map((row) => Bun.stringWidth(row[at] ?? ''))),
  );
  const line = (texts: readonly string[]): string =>
    texts.map((text, at) => padded(text, widths[at] ?? 0)).join(GAP);
  const paint = painter(look.color);
  const head = `${line(columns.map(({ title }) => title))}${GAP}${padded('PROGRESS', CELLS + 5)}${GAP}PHASE`;
  return [
    paint(1, clip(head, look.columns - 1)),
    ...rows.map((row, at) => callLine(line(cells[at] ?? []), row, look, paint)),
  ];
}

function callLine(fixed: string, row: CallRow, { columns }: Look, paint: Paint): string {
  const room = columns - 1 - Bun.stringWidth(fixed) - GAP.length;
  if (room < CELLS) return clip(fixed, columns - 1);
  const { ms, progress = 0, total } = row;
  const share = shareOf({ progress, total });
  const bar = share === undefined ? moving(Math.floor(ms / STEP_MS), CELLS) : filled(share, CELLS);
  const figure = clip(share === undefined ? shownAmount(row) : `${Math.floor(share * 100)}%`, 4).padStart(4);
  const rest = room - CELLS - 1 - figure.length - GAP.length;
  const said = row.message !== undefined && !isOurs(row) ? `${row.phase} · "${row.message}"` : row.phase;
  const what = rest > 3 ? `${GAP}${clip(visible(said), rest)}` : '';
  return `${fixed}${GAP}${paint(36, bar)}${rest >= 0 ? ` ${figure}` : ''}${what}`;
}

/** Words of the gateway on a phase say nothing that the phase does not. */
function isOurs({ phase, message = '' }: CallRow): boolean {
  return message.startsWith(phase) || /^(?:waiting for|starting|connecting to) /.test(message);
}

function shownAmount({ progress }: CallRow): string {
  return progress === undefined || amount(progress) === '0' ? '' : amount(progress);
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - Bun.stringWidth(text)));
}

/** `4s`, `2m13s`, `1h04m`. */
function age(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${two(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 100 ? `${hours}h${two(minutes % 60)}m` : `${hours}h`;
}

type Paint = (code: number, text: string) => string;

function painter(color: boolean): Paint {
  return (code, text) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
}

/** `3 calls at work`. */
export function headline({ calls }: Calls): string {
  return calls === 0 ? 'no calls at work' : calls === 1 ? '1 call at work' : `${calls} calls at work`;
}
