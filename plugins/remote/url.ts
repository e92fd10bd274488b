// The option that is the URL of a server.

import { z } from '../../src/plugin.ts';
import { isSafeUrl } from './fetch.ts';

export function remoteUrl(description: string, example: string) {
  return z
    .string()
    .max(2_048)
    .refine((text) => isSafeUrl(text) && !text.includes('#'), {
      error: 'write an https URL without a fragment, or http with localhost, 127.0.0.1 or [::1]',
    })
    .meta({ description, examples: [example] });
}
