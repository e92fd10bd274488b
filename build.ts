// `bun run build` compiles dist/sluice for this machine; with names of targets or --all, those of a release.
// Beside them: checksums.txt (sha256sum -c) and sluice.cdx.json (CycloneDX). Equal inputs give equal bytes.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bom } from './scripts/sbom.ts';
import { readStamp, type Stamp } from './scripts/stamp.ts';
import { makePluginPackage } from './src/cli/plugin-package.ts';
import { PACKAGE_FILE } from './src/cli/plugin-types.ts';

const targets = {
  'linux-x64': 'bun-linux-x64',
  'linux-x64-musl': 'bun-linux-x64-musl',
  'linux-arm64': 'bun-linux-arm64',
  'linux-arm64-musl': 'bun-linux-arm64-musl',
  'darwin-x64': 'bun-darwin-x64',
  'darwin-arm64': 'bun-darwin-arm64',
  'windows-x64': 'bun-windows-x64',
} as const satisfies Record<string, Bun.Build.CompileTarget>;
type TargetName = keyof typeof targets;

const LC_CODE_SIGNATURE = 0x1d;

const root = import.meta.dir;
const dist = join(root, 'dist');
/** Carried by every binary, for `sluice plugin types`. */
const pluginPackage = join(dist, PACKAGE_FILE);

/** Compiles one binary into dist/ and returns its file name. `target` undefined is this machine. */
async function compile(stamp: Stamp, target?: TargetName): Promise<string> {
  const suffix = target === undefined ? '' : `-${target}`;
  const isWindows = target === undefined ? process.platform === 'win32' : target.startsWith('windows');
  const name = `sluice${suffix}${isWindows ? '.exe' : ''}`;
  await Bun.build({
    entrypoints: [join(root, 'src/main.ts')],
    format: 'esm',
    minify: { whitespace: true, syntax: true, identifiers: true, keepNames: true },
    bytecode: true,
    sourcemap: 'inline',
    define: {
      // Without this Bun writes "development" into the code, whatever the environment says at run time.
      'process.env.NODE_ENV': '"production"',
      // Packages that would look for files beside their own would have the path of this checkout written into them.
      __dirname: '"/"',
      __filename: '"/"',
      __SLUICE_VERSION__: JSON.stringify(stamp.version),
      __SLUICE_COMMIT__: JSON.stringify(stamp.commit),
      __SLUICE_BUILT__: JSON.stringify(stamp.built),
    },
    compile: {
      outfile: join(dist, name),
      assets: [pluginPackage],
      ...(target !== undefined && { target: targets[target] }),
      // A bunfig.toml may name code to preload: nothing of the working directory is read on its own account.
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      // Runs nothing, and says where the packages that a plugin imports have their code.
      autoloadPackageJson: true,
    },
  });
  // The binary has its own copy.
  rmSync(join(dist, `${name.replace(/\.exe$/, '')}.map`), { force: true });
  if ((target ?? `${process.platform}-${process.arch}`) === 'darwin-x64') await unsign(join(dist, name));
  return name;
}

/**
 * Takes the signature off a Mach-O binary: in one for x64 that of Bun's own remains (Bun 1.4.5), which does not fit
 * any more, and a wrong one is worse than none. Binaries for arm64, which must have one, are signed afresh.
 */
async function unsign(path: string): Promise<void> {
  const file = Buffer.from(await Bun.file(path).arrayBuffer());
  const [count, length] = [file.readUInt32LE(16), file.readUInt32LE(20)];
  const commands = [32];
  for (let at = 32; commands.length < count; commands.push(at)) at += file.readUInt32LE(at + 4);
  const signature = commands.pop() ?? 0;
  const linkedit = commands.find((at) => file.toString('latin1', at + 8, at + 18) === '__LINKEDIT');
  if (file.readUInt32LE(signature) !== LC_CODE_SIGNATURE || linkedit === undefined)
    throw new Error(`${path} is not laid out as expected`);
  const end = file.readUInt32LE(signature + 8);
  file.writeUInt32LE(count - 1, 16);
  file.writeUInt32LE(length - 16, 20);
  file.fill(0, signature, signature + 16);
  file.writeBigUInt64LE(BigInt(end) - file.readBigUInt64LE(linkedit + 40), linkedit + 48);
  await Bun.write(path, file.subarray(0, end));
}

function chosen(args: readonly string[]): (TargetName | undefined)[] {
  const known = Object.keys(targets) as TargetName[];
  if (args.includes('--all')) return known;
  if (args.length === 0) return [undefined];
  const unknown = args.filter((arg) => !(arg in targets));
  if (unknown.length === 0) return known.filter((name) => args.includes(name));
  console.error(`unknown target "${unknown.join('", "')}": use --all, or some of ${known.join(', ')}`);
  process.exit(2);
}

async function sha256(name: string): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256');
  for await (const chunk of Bun.file(join(dist, name)).stream()) hasher.update(chunk);
  return `${hasher.digest('hex')}  ${name}\n`;
}

const wanted = chosen(process.argv.slice(2));
const stamp = await readStamp(root);
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
await Bun.write(pluginPackage, JSON.stringify(await makePluginPackage(root)));
const made: string[] = [];
for (const target of wanted) {
  const start = performance.now();
  const name = await compile(stamp, target);
  made.push(name);
  const size = Bun.file(join(dist, name)).size / 1e6;
  console.log(`dist/${name}  ${size.toFixed(1)} MB  ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
rmSync(pluginPackage);
await Bun.write(join(dist, 'sluice.cdx.json'), `${JSON.stringify(await bom(root, stamp), null, 2)}\n`);
made.push('sluice.cdx.json');
await Bun.write(join(dist, 'checksums.txt'), (await Promise.all(made.map(sha256))).join(''));
console.log(`dist/checksums.txt, dist/sluice.cdx.json  ${stamp.version} ${stamp.commit} ${stamp.built}`);
