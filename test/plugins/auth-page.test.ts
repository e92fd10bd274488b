// docs/plugins/auth.md and docs/auth.md: their examples are configurations that the plugin takes, and the tables of
// options say what the schema says.
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import auth from '../../plugins/auth.ts';
import { pem, whsec } from '../fixtures/auth/signers.ts';
import { rowsOf, schemaOf } from '../fixtures/option-rows.ts';
import { ED25519_KEY } from '../fixtures/signing/rfc9421.ts';

const read = (path: string) => Bun.file(join(import.meta.dir, '../..', path)).text();
const reference = await read('docs/plugins/auth.md');
const page = reference + (await read('docs/auth.md'));
const known: Readonly<Record<string, string>> = {
  'file:./acme.pem': pem(ED25519_KEY).replaceAll('\n', '\\n'),
  'env:WHSEC': whsec,
};

const examples = [...page.matchAll(/^```yaml gateway\.yaml\n(.*?)^```/gms)].map(([, text = '']) =>
  Bun.YAML.parse(text.replaceAll(/\$\{(\w+:[^}]+)\}/g, (_, name: string) => known[name] ?? 'x'.repeat(32))),
);

test('there are some', () => expect(examples.length).toBeGreaterThanOrEqual(5));
for (const [at, example] of examples.entries()) {
  test(`example ${at + 1}`, () => {
    const entries = (example as { pipeline: { auth?: unknown }[] }).pipeline.filter(
      (entry) => 'auth' in entry,
    );
    expect(entries.length).toBeGreaterThan(0);
    for (const { auth: options } of entries)
      expect(auth.schema.safeParse(options).error?.issues).toBeUndefined();
  });
}

test('a row for every option of keys, issuers, scopes and rules', () => {
  const written = reference.match(/^\| `(?:api_keys|issuers|scopes|rules)[^|]*\|.*$/gm) ?? [];
  const rows = rowsOf(schemaOf(auth.schema)).filter((row) =>
    /^\| `(?:api_keys|issuers|scopes|rules)/.test(row),
  );
  expect([...written].sort()).toEqual(rows.sort());
});

test('every reason that a token is refused for is on the page', async () => {
  const files = ['compact', 'claims', 'jwt', 'judge', 'attempt', 'opaque', 'introspection', 'api-keys'];
  const code = (await Promise.all(files.map((name) => read(`plugins/auth/${name}.ts`)))).join('\n');
  const reasons = [
    ...code.matchAll(/(?:^ {2}\| |return |refused\(|throw new ClaimError\()'([a-z]+(?:_[a-z]+)*)'/gm),
  ];
  const words = reasons
    .map(([, reason = '']) => reason)
    .filter((reason) => !/^(?:invalid|use)_/.test(reason));
  expect(words.length).toBeGreaterThan(20);
  expect([...new Set(words)].filter((reason) => !page.includes(`\`${reason}\``))).toEqual([]);
});
