// What is made of something again and again is made once: of the short texts that come with every request, and of the
// one object that stays until a reload. For functions that give the same for the same, and nothing that is changed.

/** Texts kept for each function; with one more, all are forgotten: nobody is to fill the memory with new ones. */
const MOST = 256;
/** Longer ones are not kept, in characters. */
const LONGEST = 1_024;

/** `make`, which is asked once for each text. Not for secrets: the texts stay in memory. */
export function remembered<T>(make: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const there = known.get(text);
    if (there !== undefined) return there;
    const made = make(text);
    if (text.length > LONGEST) return made;
    if (known.size >= MOST) known.clear();
    known.set(text, made);
    return made;
  };
}

/** `make`, which is asked again only for another object than the last. */
export function ofLatest<T extends object, R>(make: (of: T) => R): (of: T) => R {
  let latest: { readonly of: T; readonly made: R } | undefined;
  return (of) => {
    if (latest?.of !== of) latest = { of, made: make(of) };
    return latest.made;
  };
}
