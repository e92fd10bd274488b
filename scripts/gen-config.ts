// Writes schema.json and docs/configuration.md from the one schema. With --check it writes nothing and fails when
// a file is stale.
import { jsonSchema, referencePage } from '../src/config/reference.ts';

/** The generated files: path from the root of the project → text. */
export function generated(): Readonly<Record<string, string>> {
  return {
    'schema.json': `${JSON.stringify(jsonSchema(), null, 2)}\n`,
    'docs/configuration.md': referencePage(),
  };
}

if (import.meta.main) {
  const isCheck = Bun.argv.includes('--check');
  for (const [path, text] of Object.entries(generated())) {
    const file = Bun.file(new URL(`../${path}`, import.meta.url));
    const isFresh = (await file.exists()) && (await file.text()) === text;
    if (isFresh) continue;
    if (isCheck) {
      console.error(`${path} is stale: run bun scripts/gen-config.ts`);
      process.exitCode = 1;
    } else {
      await Bun.write(file, text);
      console.error(`wrote ${path}`);
    }
  }
}
