// Whether a URI can be an expansion of a URI template (RFC 6570), decided in linear time without regular
// expressions: an upstream's template is not trusted to make one.

/** Literal parts must occur in order; an expression matches anything, the empty text included. */
export function matchesTemplate(template: string, uri: string): boolean {
  const literals = template.split(/\{[^{}]*\}/);
  const first = literals[0] ?? '';
  if (literals.length === 1) return uri === first;
  const last = literals.at(-1) ?? '';
  if (uri.length < first.length + last.length || !uri.startsWith(first) || !uri.endsWith(last)) return false;
  let at = first.length;
  const end = uri.length - last.length;
  for (const literal of literals.slice(1, -1)) {
    const found = uri.indexOf(literal, at);
    if (found < 0 || found + literal.length > end) return false;
    at = found + literal.length;
  }
  return at <= end;
}
