// What several upstreams tell a client to do, as one text: each under a heading, and all of it bounded, so that one
// that talks a lot takes no other's place.

const MORE = '…';

/** @param cut called when something was left out */
export function joinedTexts(
  told: readonly { readonly name: string; readonly text: string }[],
  longest: number,
  cut: () => void,
): string | undefined {
  if (told.length === 0) return undefined;
  const heads = told.map(({ name }) => `## ${name}\n`);
  const room = longest - heads.join('\n\n').length;
  const share = fairShare(
    told.map(({ text }) => text.length),
    room,
  );
  if (told.some(({ text }) => text.length > share)) cut();
  return told.map(({ text }, i) => heads[i] + shortened(text, share)).join('\n\n');
}

/** The length that each may have, so that all have room: what the short ones leave is for the long ones. */
function fairShare(lengths: readonly number[], room: number): number {
  let left = Math.max(0, room);
  const sorted = [...lengths].sort((a, b) => a - b);
  for (const [i, length] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - i));
    if (length > share) return share;
    left -= length;
  }
  return Number.POSITIVE_INFINITY;
}

function shortened(text: string, length: number): string {
  if (text.length <= length) return text;
  return text.slice(0, Math.max(0, length - MORE.length)).trimEnd() + MORE;
}
