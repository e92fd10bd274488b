// Names as this machine knows them: its hosts file, its own services of names, DNS.

import { lookup } from 'node:dns/promises';

/** Never remembers: what the machine's resolver says holds for as long as that says so. */
export async function lookUp(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
}
