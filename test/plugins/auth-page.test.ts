// docs/plugins/auth.md: its examples are configurations that the plugin takes.
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import auth from '../../plugins/auth.ts';
import { pem, whsec } from '../fixtures/auth/signers.ts';
import { ED25519_KEY } from '../fixtures/signing/rfc9421.ts';

const page = await Bun.file(join(import.meta.dir, '../../docs/plugins/auth.md')).text();
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
