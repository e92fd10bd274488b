// Secrets of every kind, through all that a gateway does well and badly: none of them comes out anywhere.
import { beforeAll, describe, expect, test } from 'bun:test';
import { formsOf, KINDS, type Kind, VALUES } from '../fixtures/canaries/kinds.ts';
import { type Caught, letThemOut } from '../fixtures/canaries/scene.ts';

let caught: Caught;
beforeAll(async () => {
  caught = await letThemOut();
}, 120_000);

const SINKS = [
  'the log',
  'answers to clients',
  'answers to operators',
  'what is said of a configuration that is wrong',
  'files of the state directory',
];

for (const sink of SINKS) {
  describe(sink, () => {
    test.each(Object.entries(KINDS) as [Kind, string][])('%s: %s', (kind) => {
      const text = caught.sinks[sink] ?? '';
      expect(text.length).toBeGreaterThan(1_000);
      const found = formsOf(kind).filter((form) => text.includes(form));
      // Where it was found, with what stands before it, and not the whole of it.
      expect(
        found.map((form) => text.slice(Math.max(0, text.indexOf(form) - 300), text.indexOf(form) + 60)),
      ).toEqual([]);
    });
  });
}

describe('they were there to be found', () => {
  const SENT: Kind[] = [
    'storedHeader',
    'providedHeader',
    'fileHeader',
    'variableHeader',
    'literalHeader',
    'queryKey',
    'credential',
    'apiKey',
    'apiSecret',
    'fetchedToken',
  ];
  test.each(SENT)('%s was sent to a server', (kind) => {
    expect(caught.sent).toContain(VALUES[kind]);
  });

  test('a password of Basic, and a client secret', () => {
    for (const kind of ['basicPassword', 'clientSecret'] as const)
      expect(formsOf(kind).some((form) => caught.sent.includes(form))).toBe(true);
  });

  test('what repeats one is told, without it', () => {
    const { sinks } = caught;
    expect(sinks['answers to clients']?.split('••••').length).toBeGreaterThan(20);
    for (const trace of ['printed ••••', 'told ••••', 'stray ••••', 'raw ••••', 'b64 ••••', 'key ••••'])
      expect(sinks['the log']).toContain(trace);
    for (const name of ['hmac', 'keys', 'hooks', 'rfc'])
      expect(sinks['answers to operators']).toContain(name);
  });
});
