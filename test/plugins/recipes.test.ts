// What docs/recipes writes is taken as it stands, by every plugin that it configures.
import { expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { plugins } from '../../plugins/index.ts';
import { selfSigned } from '../fixtures/certificates.ts';
import { pemOf, signer } from '../fixtures/oidc/provider.ts';

const folder = join(import.meta.dir, '../../docs/recipes');
const oneLine = (pem: string): string => pem.replaceAll('\n', '\\n');

type Entry = Record<string, unknown>;
interface Config {
  readonly pipeline?: Entry[];
  readonly upstreams: Record<string, { pipeline?: Entry[] }>;
}

for (const name of readdirSync(folder)) {
  const page = await Bun.file(join(folder, name)).text();
  const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text);

  test(`${name}: who calls, and as whom in two ways at least`, () => {
    expect(page.match(/^## .*/gm)?.slice(0, 3)).toEqual([
      '## Who calls',
      '## As whom: the gateway',
      '## As whom: the caller',
    ]);
    expect(examples.length).toBeGreaterThanOrEqual(3);
  });

  for (const [at, text] of examples.entries())
    test(`${name}: example ${at + 1}`, () => {
      const filled = text
        .replaceAll(/\$\{file:[^}]*key[^}]*\}/g, oneLine(pemOf(signer.privateKey)))
        .replaceAll(/\$\{file:[^}]*cert[^}]*\}/g, oneLine(selfSigned('sluice.example').cert))
        .replaceAll(/\$\{\w+:\w+\}/g, 'x'.repeat(32));
      const { pipeline = [], upstreams } = Bun.YAML.parse(filled) as Config;
      const entries = [...pipeline, ...Object.values(upstreams).flatMap((each) => each.pipeline ?? [])];
      expect(entries).toHaveLength(1);
      for (const [plugin, options] of entries.flatMap((entry) => Object.entries(entry)))
        expect(plugins[plugin]?.schema.safeParse(options).error?.issues).toBeUndefined();
    });
}
