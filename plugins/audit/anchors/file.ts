// An anchor that is a file elsewhere: on another disk, or one that can only be added to. Whoever changes the log has to
// change that file as well.

import { z } from '../../../src/plugin.ts';
import { type Checkpoint, readCheckpoint } from '../checkpoint.ts';
import type { Outlet } from '../delivery/delivery.ts';
import type { SignedCheckpoint } from '../delivery/newest.ts';
import { anchorFields, onBreak } from '../delivery/options.ts';
import { readNote } from '../note.ts';
import { keepNote, lastNote } from './evidence.ts';
import { requireGrowth } from './growth.ts';

export const fileSchema = z.strictObject({
  kind: z.literal('file'),
  ...anchorFields('1m'),
  on_break: onBreak,
  path: z
    .string()
    .min(1)
    .meta({
      description: 'The file that checkpoints are added to, outside of the directory of the log; absolute.',
      examples: ['/mnt/elsewhere/sluice.checkpoints'],
    })
    .refine((path) => path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path), 'write an absolute path'),
});

export type FileOptions = z.output<typeof fileSchema>;

export function fileAnchor({ path }: FileOptions, directory: string): Outlet<SignedCheckpoint> {
  return {
    kind: 'file',
    place: path,
    async send(checkpoints) {
      for (const { note, size } of checkpoints) {
        const { origin } = checkpointOf(note) as Checkpoint;
        // Several logs may share a file: what is another's is nothing this one has to continue.
        const before = await lastNote(path, (each) => checkpointOf(each)?.origin === origin);
        const seen = before === undefined ? undefined : checkpointOf(before);
        if (seen) await requireGrowth(directory, seen, size, path);
        if (seen?.size !== size) await keepNote(path, note);
      }
    },
  };
}

/** Undefined of what is no note of one. */
function checkpointOf(note: string): Checkpoint | undefined {
  try {
    return readCheckpoint(readNote(note).text);
  } catch {
    return undefined;
  }
}
