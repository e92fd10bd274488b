// What `sluice token` may do with a file of keys.

import { KEY_FILE, mintKey, readKeys, revokeKey } from './key-file.ts';
import { idOfKey } from './key-text.ts';

export const keyFile = { usual: KEY_FILE, read: readKeys, mint: mintKey, revoke: revokeKey, idIn: idOfKey };
