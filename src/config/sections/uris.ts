// `uris:` and `owns:` of an upstream: which URIs are its own, and how clients are given them. Must not know how a
// resource finds its way.
import { z } from 'zod';
import { fault } from '../fields.ts';

export const uris = z
  .enum(['keep', 'wrap'])
  .meta({
    description:
      'How clients are given the URIs of its resources: `keep` is as they are, and where two upstreams have the same one, the first has it; `wrap` puts `sluice+NAME:` in front of them, in lists, results and subscriptions, but not of `http:` and `https:`.',
    examples: ['wrap'],
  })
  .prefault('keep');

const beginning = z.string().regex(/^[A-Za-z][A-Za-z0-9+.-]*:/, {
  error: fault(
    'VALUE_INVALID',
    'not the beginning of a URI',
    'begin with a scheme and a colon: file:///srv/',
  ),
});

export const owns = z
  .array(beginning)
  .meta({
    description:
      'Beginnings of URIs that are its own although no list and no template has them. The longest that fits counts.',
    examples: [['file:///srv/', 'docs:']],
  })
  .prefault([]);
