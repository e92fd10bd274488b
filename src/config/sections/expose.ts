// `endpoints.PATH.expose:` whether tools are listed, or found. Must not know how.
import { z } from 'zod';
import { count, globs } from '../fields.ts';

export const expose = z
  .strictObject({
    mode: z
      .enum(['all', 'search'])
      .meta({
        description:
          '`all` lists every tool. `search` lists two instead, `find_tool` and `call_tool`: for endpoints with so many that their descriptions would crowd out everything else.',
        examples: ['search'],
      })
      .prefault('all'),
    hits: count(5, {
      description: 'Tools that `find_tool` returns where its caller does not say how many. `search` only.',
    }),
    also: globs('Tools that are listed beside the two, by name. `search` only.', ['github__search_code']),
  })
  .meta({ description: 'How tools are shown.', examples: [{ mode: 'search' }] })
  .prefault({});
