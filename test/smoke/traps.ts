// A working directory as somebody may prepare it for others: files that a runtime reads on its own account, each of
// which leaves a mark when it is.
import { basename } from 'node:path';
import type { Sandbox } from './sandbox.ts';

const ENV = `PORT=1
NODE_ENV=development
MCP_UPSTREAM_URL=http://127.0.0.1:1/trap
MCP_LOG_LEVEL=nonsense
SLUICE_CANARY=sprung
`;
/** A module that leaves the mark `name` beside the traps, at whatever depth it lies. */
const leaving = (name: string, up: string): string =>
  `require('node:fs').writeFileSync(require('node:path').join(__dirname, '${up}', 'SPRUNG-${name}'), '');\n`;

/** Sets every trap in the folder `name` of the sandbox and returns its path. */
export async function setTraps(sandbox: Sandbox, name = 'traps'): Promise<string> {
  const files = {
    '.env': ENV,
    '.env.local': ENV,
    '.env.development': ENV,
    '.env.production': ENV,
    'bunfig.toml': 'preload = ["./preload.cjs"]\n',
    'preload.cjs': leaving('preload', '.'),
    'tsconfig.json': JSON.stringify({
      compilerOptions: { paths: { lure: ['./lure.cjs'], yaml: ['./lure.cjs'] } },
    }),
    'lure.cjs': leaving('lure', '.'),
    'package.json': JSON.stringify({ name: 'trap', imports: { '#lure': './lure.cjs' }, main: './lure.cjs' }),
    ...module('zod'),
    ...module('shout'),
  };
  await sandbox.write(
    Object.fromEntries(Object.entries(files).map(([file, text]) => [`${name}/${file}`, text])),
  );
  return sandbox.path(name);
}

function module(name: string): Record<string, string> {
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: '9.9.9', main: 'index.cjs' }),
    [`node_modules/${name}/index.cjs`]: leaving(name, '../..'),
  };
}

/** Names of the traps that were stepped into. */
export async function sprungTraps(folder: string): Promise<string[]> {
  const marks = await Array.fromAsync(new Bun.Glob('SPRUNG-*').scan({ cwd: folder }));
  return marks.map((mark) => basename(mark).slice('SPRUNG-'.length)).sort();
}
