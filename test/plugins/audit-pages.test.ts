// docs/audit-sinks.md and docs/audit-anchors.md say of the options what their schema says.
import { afterAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import audit from '../../plugins/audit.ts';
import { startWitness } from '../fixtures/audit/witness.ts';
import { createAuthority } from '../fixtures/certificates.ts';
import { rowsOf, schemaOf } from '../fixtures/option-rows.ts';

type Json = ReturnType<typeof schemaOf>;

const kindsOf = (list: string): Map<string, string[]> => {
  const { properties = {} } = schemaOf(audit.schema);
  const { oneOf = [] } = (properties[list] as { items: { oneOf?: Json[] } }).items;
  const named = oneOf.map((each) => [(each.properties as { kind: Json }).kind.const, rowsOf(each)] as const);
  return new Map(named.map(([kind, rows]) => [String(kind), rows]));
};

const witness = startWitness({ logs: new Map() });
afterAll(() => witness[Symbol.asyncDispose]());

const REFERENCES: Readonly<Record<string, string>> = {
  '${env:OTLP_AUTHORIZATION}': 'Bearer x',
  '${env:WEBHOOK_SECRET}': `whsec_${Buffer.alloc(32).toString('base64')}`,
  '${env:WITNESS_KEY}': witness.key,
  '${file:./tsa-ca.pem}': createAuthority('tsa').cert,
};

for (const list of ['sinks', 'anchors'] as const) {
  const page = await Bun.file(join(import.meta.dir, `../../docs/audit-${list}.md`)).text();
  const kinds = kindsOf(list);
  const sections = new Map(
    page.split(/^## /m).map((text) => {
      const [name = '', ...lines] = text.split('\n');
      return [
        name,
        lines.filter((line) => /^\| `[\w.[\]]+` \| [\w`]/.test(line) && line.split('|').length >= 6),
      ];
    }),
  );
  const common = [...kinds.values()].reduce((all, rows) => all.filter((row) => rows.includes(row)));

  test(`${list}: what all of them have, and what each has alone`, () => {
    expect(sections.get('For all of them')).toEqual(common);
    for (const [kind, rows] of kinds)
      expect(sections.get(`\`${kind}\``)).toEqual(rows.filter((row) => !common.includes(row)));
    expect([...sections.keys()].filter((name) => name.startsWith('`'))).toEqual(
      [...kinds.keys()].map((kind) => `\`${kind}\``),
    );
  });

  test(`${list}: the example is a configuration the plugin takes`, () => {
    const [, text = ''] = page.split(/^```(?:yaml)?\n/m);
    const { pipeline } = Bun.YAML.parse(text) as { pipeline: [{ audit: unknown }] };
    const options = JSON.parse(JSON.stringify(pipeline[0].audit), (_, value) => REFERENCES[value] ?? value);
    expect(audit.schema.safeParse(options).error?.issues).toBeUndefined();
  });
}
