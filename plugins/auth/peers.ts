// Callers on a Unix socket or a pipe: whom a user or group of this machine stands for. Who is at a socket the operating
// system says; at the pipe is who started the gateway.

import { z } from '../../src/plugin.ts';
import { type Method, refused } from './attempt.ts';
import { idIn, principalOf, whomFields } from './whom.ts';

const id = () => z.int().min(0).max(4_294_967_294).optional();

const rule = z
  .strictObject({
    uid: id().meta({ description: 'The number of the user.', examples: [1000] }),
    gid: id().meta({ description: 'The number of its group, the one it runs with.', examples: [100] }),
    ...whomFields('`uid:` and the number of the user'),
  })
  .refine(({ uid, gid }) => uid !== undefined || gid !== undefined, 'needs uid or gid');

export const peersSchema = z.array(rule).min(1).meta({
  description:
    'Callers on a Unix socket or a pipe: the first rule that fits says whom a user of this machine stands for.',
});

export function peers(rules: readonly z.output<typeof rule>[]): Method {
  return {
    name: 'peers',
    verify(attempt) {
      const user = attempt.peer()?.credentials;
      // Who sends a token is whom the token says.
      if (!user || attempt.authorization) return undefined;
      const found = rules.find(({ uid = user.uid, gid = user.gid }) => uid === user.uid && gid === user.gid);
      if (!found) return refused('peer_unknown');
      return { kind: 'found', principal: principalOf(found, idIn('uid', user.uid)) };
    },
  };
}
