// A progress bar as one line of text. Pure: time, width and state come in, nothing is written.

import { visible } from './log-fields.ts';

export interface BarState {
  readonly name: string;
  readonly progress: number;
  /** Absent while nobody knows how far it is. */
  readonly total?: number | undefined;
  readonly message?: string | undefined;
  readonly elapsedMs: number;
  /** Width of the terminal. */
  readonly columns: number;
  /** Moves the block of a bar without a total. */
  readonly tick: number;
  readonly color: boolean;
}

export const CELLS = 20;
const BLOCK = 4;
const NAME_WIDTH = 30;
const MESSAGE_LENGTH = 200;

/** `slow_count  ███████████░░░░░░░░░ 55%  "counting 3 of 5"  2.8s`, never wider than the terminal. */
export function renderBar(state: BarState): string {
  const paint = (code: number, text: string): string =>
    state.color ? `\u001b[${code}m${text}\u001b[0m` : text;
  const share = shareOf(state);
  const cells = share === undefined ? moving(state.tick) : filled(share);
  const figure = share === undefined ? amount(state.progress) : `${Math.floor(share * 100)}%`.padStart(3);
  const time = `${(state.elapsedMs / 1000).toFixed(1)}s`;
  const name = clip(visible(state.name), NAME_WIDTH);
  const fixed = `${name}  ${cells} ${figure}  ${time}`;
  const room = state.columns - 1 - Bun.stringWidth(fixed) - 4;
  const message =
    room > 3 && state.message ? clip(visible(state.message.slice(0, MESSAGE_LENGTH)), room) : '';
  const quoted = message === '' ? '' : `"${message}"  `;
  if (Bun.stringWidth(fixed) >= state.columns) return clip(`${name} ${figure}`, state.columns - 1);
  return `${name}  ${paint(36, cells)} ${figure}  ${quoted}${paint(2, time)}`;
}

/** 0 to 1, or undefined without a total to measure by. */
export function shareOf({ progress, total }: Pick<BarState, 'progress' | 'total'>): number | undefined {
  if (total === undefined || !Number.isFinite(total) || total <= 0) return undefined;
  return Math.min(1, Math.max(0, progress / total));
}

export function filled(share: number, cells = CELLS): string {
  const full = Math.floor(share * cells);
  return '█'.repeat(full) + '░'.repeat(cells - full);
}

/** A block that walks to the end and back. */
export function moving(tick: number, cells = CELLS): string {
  const way = cells - BLOCK;
  const step = tick % (2 * way);
  const at = step <= way ? step : 2 * way - step;
  return '░'.repeat(at) + '█'.repeat(BLOCK) + '░'.repeat(way - at);
}

/** Words of the gateway raise a value by next to nothing, which is not shown. */
export function amount(progress: number): string {
  const whole = Math.round(progress);
  return Math.abs(progress - whole) < 1e-9 ? String(whole) : progress.toFixed(1);
}

export function clip(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (Bun.stringWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}
