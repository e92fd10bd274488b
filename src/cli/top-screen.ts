// A terminal taken over for one picture that is drawn again and again, and given back as it was.

import type { Output } from './shell.ts';

const ESC = '\u001b[';
/** The other screen, without a cursor. */
const ENTER = `${ESC}?1049h${ESC}?25l`;
const LEAVE = `${ESC}?25h${ESC}?1049l`;
/** What is between these appears at once, on terminals that know it; others pass over them. */
const BEGIN = `${ESC}?2026h`;
const END = `${ESC}?2026l`;

export interface Screen {
  /** Draws over what was there: nothing is cleared first, so nothing flickers. */
  draw(lines: readonly string[]): void;
  /** Gives the terminal back. Harmless when called again. */
  leave(): void;
}

export function takeScreen(out: Output): Screen {
  let isOver = false;
  const leave = (): void => {
    if (isOver) return;
    isOver = true;
    process.off('exit', leave);
    out.write(LEAVE);
  };
  // However the process ends, short of being killed.
  process.once('exit', leave);
  out.write(ENTER);
  return {
    draw(lines) {
      if (isOver) return;
      const text = lines.slice(0, out.rows).map((line) => `${line}${ESC}K`);
      out.write(`${BEGIN}${ESC}H${text.join('\r\n')}${ESC}J${END}`);
    },
    leave,
  };
}
