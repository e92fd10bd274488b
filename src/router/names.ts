// The only code that adds or strips an upstream's name. `upstream__tool` in front of tools and prompts;
// URIs are never touched.

const SEPARATOR = '__';

export function prefixed(upstream: string, name: string): string {
  return `${upstream}${SEPARATOR}${name}`;
}

/**
 * Whose name this is. Decided by the known upstreams, longest first, never by the first separator: names may
 * contain it, and one upstream's name may begin another's.
 */
export function unprefixed(
  name: string,
  upstreams: readonly string[],
): { upstream: string; name: string } | undefined {
  let best: string | undefined;
  for (const upstream of upstreams) {
    if (name.startsWith(upstream + SEPARATOR) && upstream.length > (best?.length ?? -1)) best = upstream;
  }
  return best === undefined
    ? undefined
    : { upstream: best, name: name.slice(best.length + SEPARATOR.length) };
}
