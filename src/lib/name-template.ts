// How an upstream's name and that of a tool or prompt become one: `{upstream}__{tool}`, or the other way round.

/** A template taken apart. */
export interface NameTemplate {
  readonly before: string;
  readonly between: string;
  readonly after: string;
  /** Whether the upstream comes first. */
  readonly leads: boolean;
}

export const PREFIX: NameTemplate = { before: '', between: '__', after: '', leads: true };

/** @returns undefined for a text without exactly one `{upstream}` and one `{tool}`, or with nothing between them */
export function nameTemplate(text: string): NameTemplate | undefined {
  const parts = /^([^{}]*)\{(upstream|tool)\}([^{}]+)\{(upstream|tool)\}([^{}]*)$/.exec(text);
  const [, before = '', first, between = '', second, after = ''] = parts ?? [];
  return parts && first !== second ? { before, between, after, leads: first === 'upstream' } : undefined;
}

export function joined(
  { before, between, after, leads }: NameTemplate,
  upstream: string,
  name: string,
): string {
  return before + (leads ? upstream + between + name : name + between + upstream) + after;
}

/** What joined with `upstream` gives `name`; undefined where nothing does. */
export function unjoined(template: NameTemplate, upstream: string, name: string): string | undefined {
  const { before, between, after, leads } = template;
  const head = before + (leads ? upstream + between : '');
  const tail = (leads ? '' : between + upstream) + after;
  if (name.length < head.length + tail.length || !name.startsWith(head) || !name.endsWith(tail))
    return undefined;
  return name.slice(head.length, name.length - tail.length);
}
