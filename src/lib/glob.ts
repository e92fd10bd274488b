// Patterns with `*`, in linear time and without regular expressions.

export type Test = (text: string) => boolean;

/** `*` stands for any text; everything else for itself. */
export function glob(pattern: string): Test {
  const parts = pattern.split('*');
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return (text) => text === pattern;
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
      return false;
    let at = first.length;
    const end = text.length - last.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

/** Whether any of them fits. */
export function anyGlob(patterns: readonly string[]): Test {
  const tests = patterns.map(glob);
  return (text) => tests.some((test) => test(text));
}

/** The same where there need not be any: undefined is no opinion. */
export function anyOf(patterns: readonly string[] | undefined): Test | undefined {
  return patterns && anyGlob(patterns);
}
