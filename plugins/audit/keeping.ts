// Checkpoints beside the log, one after the other: each a line with a signed note. And the last one alone, for those
// who follow the log from outside.

import { readFileSync } from 'node:fs';
import { appendFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import { type Note, readNote } from './note.ts';

export const CHECKPOINTS = 'checkpoints.jsonl';
const LATEST = 'checkpoint';

export interface Kept {
  readonly checkpoint: Checkpoint;
  readonly note: Note;
}

export async function keepCheckpoint(directory: string, note: string): Promise<void> {
  await appendFile(join(directory, CHECKPOINTS), `${JSON.stringify({ note })}\n`, {
    mode: 0o600,
    flush: true,
  });
  await writeFile(join(directory, `${LATEST}.new`), note, { mode: 0o600 });
  await rename(join(directory, `${LATEST}.new`), join(directory, LATEST));
}

/**
 * In the order of the file; of those that are none, why. The last line may be torn by the end of a process.
 * @throws what the file system says
 */
export function checkpointsOf(directory: string): (Kept | string)[] {
  let text: string;
  try {
    text = readFileSync(join(directory, CHECKPOINTS), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const lines = text.split('\n');
  lines.pop();
  return lines.map((line) => {
    try {
      const note = readNote(String((JSON.parse(line) as { note: unknown }).note));
      return { note, checkpoint: readCheckpoint(note.text) };
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  });
}
