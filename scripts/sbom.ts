// The software bill of materials of the binary, as CycloneDX JSON: what is compiled in, from bun.lock.
import { join } from 'node:path';
import { type Locked, lockedDependencies } from './lock.ts';
import type { Stamp } from './stamp.ts';

/** A CycloneDX 1.6 document; equal inputs give an equal one. Throws when a package names no licence. */
export async function bom(root: string, stamp: Stamp): Promise<object> {
  const { direct, all } = await lockedDependencies(root);
  const components = await Promise.all(all.map((locked) => component(root, locked)));
  const refs = new Map(all.map((locked) => [locked.key, purl(locked)]));
  const toRefs = (keys: readonly string[]) => unique(keys.map((key) => refs.get(key) ?? key));
  const self = `pkg:generic/sluice@${stamp.version}`;
  const runtime = `pkg:npm/bun@${Bun.version}`;
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${Bun.randomUUIDv5(`${self} ${stamp.commit}`, 'url')}`,
    version: 1,
    metadata: {
      timestamp: stamp.built,
      component: {
        type: 'application',
        'bom-ref': self,
        name: 'sluice',
        version: stamp.version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
        properties: [{ name: 'commit', value: stamp.commit }],
      },
    },
    components: [
      {
        type: 'platform',
        'bom-ref': runtime,
        name: 'bun',
        version: Bun.version,
        purl: runtime,
        licenses: [{ license: { id: 'MIT' } }],
      },
      ...uniqueBy(components, (entry) => entry['bom-ref']),
    ],
    dependencies: [
      { ref: self, dependsOn: [runtime, ...toRefs(direct)] },
      ...uniqueBy(
        all.map((locked) => ({ ref: purl(locked), dependsOn: toRefs(locked.uses) })),
        (entry) => entry.ref,
      ),
    ],
  };
}

async function component(root: string, locked: Locked) {
  const folder = locked.key.match(/(@[^/]+\/)?[^/]+/g)?.join('/node_modules/') ?? locked.key;
  const file = join(root, 'node_modules', folder, 'package.json');
  const { license } = (await Bun.file(file).json()) as { license?: unknown };
  if (typeof license !== 'string') throw new Error(`${locked.name}@${locked.version} names no licence`);
  const [algorithm = '', digest = ''] = locked.integrity.split('-');
  return {
    type: 'library',
    'bom-ref': purl(locked),
    name: locked.name,
    version: locked.version,
    purl: purl(locked),
    licenses: [/^[\w.+-]+$/.test(license) ? { license: { id: license } } : { expression: license }],
    hashes: [
      {
        alg: algorithm.toUpperCase().replace(/^SHA/, 'SHA-'),
        content: Buffer.from(digest, 'base64').toString('hex'),
      },
    ],
  };
}

function purl({ name, version }: Locked): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

/** The same version may be installed in several places; it is listed once. */
function uniqueBy<T>(values: readonly T[], keyOf: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [keyOf(value), value])).values()];
}
