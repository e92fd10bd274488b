// Cuts and insertions in JSON text. Knows nothing of what is cut or put in.

import type { Member } from './document.ts';

/** Put `text` in the place of what stands from `from` to before `to`. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** What to cut so that the commas stay right: the one before a member, or after it when nothing before stays. */
export function removal(members: readonly Member[], i: number, keeps: boolean): Edit {
  const member = members[i];
  const at = member?.at ?? 0;
  const end = member?.end ?? 0;
  if (keeps) return { from: members[i - 1]?.end ?? at, to: end, text: '' };
  return { from: at, to: members[i + 1]?.at ?? end, text: '' };
}

/** Edits in the order of their places, which do not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let out = '';
  let copied = 0;
  for (const edit of edits) {
    out += text.slice(copied, edit.from) + edit.text;
    copied = edit.to;
  }
  return out + text.slice(copied);
}
