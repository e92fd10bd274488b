// Checkpoints that an authority has stamped, as something that was kept elsewhere. What reads them is loaded by those who
// ask for it alone.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Advised } from './trust-of.ts';

/**
 * @param authority who signs time stamps, or vouches for who does: PEM
 * @param logs their directories, in which anchors leave stamps
 * @param others directories with stamps that were kept elsewhere
 * @returns signed notes, by where they are and what the authority says
 * @throws Advised of a stamp that does not hold
 */
export async function stampedBy(
  authority: string,
  logs: readonly string[],
  others: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { stampsIn } = await import('../anchors/check.ts');
  const found = new Map<string, string>();
  for (const directory of [...logs.flatMap(leftIn), ...others]) {
    const { stamped, faults } = stampsIn(directory, authority);
    const [fault] = faults;
    if (fault) throw new Advised(`${fault.from}: ${fault.detail}`, 'look at --authority, and at the file');
    for (const { text, from, time } of stamped) found.set(`${from}, ${new Date(time).toISOString()}`, text);
  }
  return found;
}

function leftIn(log: string): string[] {
  const place = join(log, 'anchors');
  try {
    return readdirSync(place)
      .map((name) => join(place, name))
      .filter((path) => statSync(path).isDirectory());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
