// References within one scalar: taken apart, resolved, and never read twice.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  maskLiterals,
  parseReferences,
  type Reference,
  resolveReference,
} from '../../../src/config/interpolate.ts';
import { CANARIES, inputs } from './world.ts';

function only(text: string): Reference {
  const { parts, problems } = parseReferences(text);
  const [part] = parts;
  if (parts.length !== 1 || typeof part !== 'object' || problems.length > 0)
    throw new Error(`not one reference: ${text}`);
  return part;
}

/** The value of one reference, or the code of what is wrong with it. */
function resolved(text: string, env: Record<string, string> = {}): string {
  const outcome = resolveReference(only(text), inputs(env));
  return 'value' in outcome ? outcome.value : outcome.code;
}

test('literal text and references, in order', () => {
  expect(parseReferences('a${env:X}b${file:/p q}c${secret:n-1.x}').parts).toEqual([
    'a',
    { kind: 'env', name: 'X', preset: undefined, written: '${env:X}' },
    'b',
    { kind: 'file', name: '/p q', preset: undefined, written: '${file:/p q}' },
    'c',
    { kind: 'secret', name: 'n-1.x', preset: undefined, written: '${secret:n-1.x}' },
  ]);
});

test.each([
  ['$${env:X}', ['${env:X}']],
  ['$$${env:X}', ['$${env:X}']],
  ['cost: $5 {x} $', ['cost: $5 {x} $']],
  ['', []],
])('%p holds no reference', (text, parts) => {
  expect(parseReferences(text)).toEqual({ parts, problems: [] });
});

test('a default may hold colons, dashes and be empty', () => {
  expect(only('${env:X:-http://a:-b}').preset).toBe('http://a:-b');
  expect(only('${env:X:-}').preset).toBe('');
  expect(only('${env:X}').preset).toBeUndefined();
});

test.each([
  '${X}',
  '${env:}',
  '${env:1X}',
  '${env:a-b}',
  '${scret:x}',
  '${secret:}',
  '${secret:..}',
  '${secret:a/b}',
  '${file:}',
  '${env:X',
  '${}',
  '${: }',
])('%p is refused', (text) => {
  const { problems } = parseReferences(text);
  expect(problems.map(({ code }) => code)).toEqual(['REFERENCE_INVALID']);
});

test('variables: set, empty, missing, with a default', () => {
  expect(resolved('${env:HOST}')).toBe('mcp.example.com');
  expect(resolved('${env:EMPTY}')).toBe('');
  expect(resolved('${env:EMPTY:-x}')).toBe('x');
  expect(resolved('${env:GONE:-x}')).toBe('x');
  expect(resolved('${env:GONE:-}')).toBe('');
  expect(resolved('${env:GONE}')).toBe('ENV_UNDEFINED');
});

test('files lose one line break, and only one', () => {
  expect(resolved('${file:token.txt}')).toBe(CANARIES[1]);
  expect(resolved('${file:/etc/sluice/lines.txt}')).toBe('first\nsecond');
  expect(resolved('${file:gone.txt}')).toBe('FILE_UNREADABLE');
});

test('secrets: systemd first, then containers; an empty one is none', () => {
  expect(resolved('${secret:api}')).toBe(CANARIES[2]);
  expect(resolved('${secret:api}', { CREDENTIALS_DIRECTORY: '/creds' })).toBe(CANARIES[2]);
  expect(resolved('${secret:db}', { CREDENTIALS_DIRECTORY: '/creds' })).toBe('from-systemd');
  expect(resolved('${secret:db}')).toBe('SECRET_UNDEFINED');
  expect(resolved('${secret:empty}')).toBe('SECRET_UNDEFINED');
});

test('an error while reading says why, and never what', () => {
  const readFile = (): string => {
    throw new Error(`could not parse "${CANARIES[1]}"`);
  };
  const outcome = resolveReference(only('${file:x}'), { ...inputs(), readFile });
  expect(outcome).toMatchObject({ code: 'FILE_UNREADABLE', message: 'cannot read "x": it failed' });
});

test('masks keep references and schemes, and hide literals and defaults', () => {
  const masked = (text: string): string => maskLiterals(parseReferences(text).parts);
  expect(masked('Bearer ${env:X}')).toBe('Bearer ${env:X}');
  expect(masked('s3cret ${env:X:-s3cret} s3cret')).toBe('••••${env:X:-••••}••••');
  expect(masked('s3cret')).toBe('••••');
});

test('text without ${ comes back as it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!text.includes('${'));
      expect(parseReferences(text)).toEqual({ parts: text === '' ? [] : [text], problems: [] });
    }),
  );
});
