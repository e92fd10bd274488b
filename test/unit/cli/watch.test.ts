// `--watch`: what counts as a change of a file, however it is written.
import { afterEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchFiles } from '../../../src/cli/watch.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

function dir(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-watch-'));
  ends.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** `next()` resolves at the next change; `count` is how many there were. */
function watching(files: () => readonly string[]) {
  let change = Promise.withResolvers<void>();
  const state = { count: 0 };
  ends.push(
    watchFiles(files, () => {
      state.count++;
      change.resolve();
    }),
  );
  const next = async (): Promise<void> => {
    await change.promise;
    change = Promise.withResolvers();
  };
  return { state, next };
}

test('a file written in place, and one put in its place', async () => {
  const file = join(dir(), 'gateway.yaml');
  writeFileSync(file, 'a');
  const { next } = watching(() => [file]);
  writeFileSync(file, 'b');
  await next();
  writeFileSync(`${file}.new`, 'c');
  renameSync(`${file}.new`, file);
  await next();
  unlinkSync(file);
  await next();
  writeFileSync(file, 'd');
  await next();
});

test('a link of a mounted ConfigMap that is swapped', async () => {
  const at = dir();
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(at, version));
    writeFileSync(join(at, version, 'gateway.yaml'), version);
  }
  symlinkSync('v1', join(at, '..data'));
  symlinkSync('..data/gateway.yaml', join(at, 'gateway.yaml'));
  const { next } = watching(() => [join(at, 'gateway.yaml')]);
  symlinkSync('v2', join(at, '..tmp'));
  renameSync(join(at, '..tmp'), join(at, '..data'));
  await next();
});

test('other files of the folder and the same content again are no change', async () => {
  const at = dir();
  const file = join(at, 'gateway.yaml');
  writeFileSync(file, 'a');
  const { state, next } = watching(() => [file]);
  for (let n = 0; n < 20; n++) writeFileSync(join(at, 'audit.jsonl'), `line ${n}`);
  writeFileSync(file, 'a');
  writeFileSync(file, 'b');
  await next();
  expect(state.count).toBe(1);
});

test('files that become part of it later are watched, too', async () => {
  const config = join(dir(), 'gateway.yaml');
  const plugin = join(dir(), 'plugin.ts');
  writeFileSync(config, 'a');
  writeFileSync(plugin, 'a');
  const files = [config];
  const { next } = watching(() => files);
  files.push(plugin);
  writeFileSync(config, 'b');
  await next();
  writeFileSync(plugin, 'b');
  await next();
});

test('a folder that is a link is swapped for another, twice', async () => {
  const at = dir();
  for (const version of ['v1', 'v2', 'v3']) {
    mkdirSync(join(at, version));
    writeFileSync(join(at, version, 'token'), version);
  }
  symlinkSync('v1', join(at, 'current'));
  const { next } = watching(() => [join(at, 'current/token')]);
  for (const version of ['v2', 'v3']) {
    symlinkSync(version, join(at, 'next'));
    renameSync(join(at, 'next'), join(at, 'current'));
    await next();
  }
  // What the link leads to now is watched, not what it led to.
  writeFileSync(join(at, 'v3/token'), 'v4');
  await next();
});

test('a folder that another one takes the place of', async () => {
  const at = dir();
  for (const name of ['creds', 'new']) {
    mkdirSync(join(at, name));
    writeFileSync(join(at, name, 'token'), name);
  }
  symlinkSync(join(at, 'creds/token'), join(at, 'token'));
  const { next } = watching(() => [join(at, 'token')]);
  unlinkSync(join(at, 'creds/token'));
  await next();
  rmSync(join(at, 'creds'), { recursive: true });
  renameSync(join(at, 'new'), join(at, 'creds'));
  unlinkSync(join(at, 'token'));
  symlinkSync(join(at, 'creds/token'), join(at, 'token'));
  await next();
  writeFileSync(join(at, 'creds/token'), 'newer');
  await next();
});

test('a folder that is made later, with the file in it', async () => {
  const at = dir();
  const { next } = watching(() => [join(at, 'later/token')]);
  mkdirSync(join(at, 'later.new'));
  writeFileSync(join(at, 'later.new/token'), 'a');
  renameSync(join(at, 'later.new'), join(at, 'later'));
  await next();
  writeFileSync(join(at, 'later/token'), 'b');
  await next();
});

test('links that lead in a circle, and what is no file, do no harm', async () => {
  const at = dir();
  symlinkSync('b', join(at, 'a'));
  symlinkSync('a', join(at, 'b'));
  expect(Bun.spawnSync(['mkfifo', join(at, 'pipe')]).exitCode).toBe(0);
  writeFileSync(join(at, 'token'), 'a');
  const { state, next } = watching(() => ['a', 'pipe', 'token'].map((name) => join(at, name)));
  writeFileSync(join(at, 'token'), 'b');
  await next();
  expect(state.count).toBe(1);
});

test('a folder that is not there does no harm', () => {
  const { state } = watching(() => ['/nowhere/at/all/gateway.yaml']);
  expect(state.count).toBe(0);
});
