// Each way to damage an audit log is found, at the entry it begins with and by its name: by both verifiers.
import { afterAll, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { verifyLog } from '../../plugins/audit/verify.ts';
import { randomOf } from '../fixtures/audit/mutations.ts';
import { askPython, python } from '../fixtures/audit/python.ts';
import { ALL_KINDS, needsAnchor, sceneOf, tryMany, tryOnce } from '../fixtures/audit/try-kinds.ts';
import { root } from '../house/tree.ts';

const TIMES = 12;
const scene = await sceneOf();
const key = scene.victim.log.signer?.public ?? '';
afterAll(() => scene[Symbol.dispose]());

test('a log that nobody touched passes', () => {
  const report = verifyLog(scene.directory, scene.trust);
  expect(report).toMatchObject({
    verdict: 'passed',
    findings: [],
    last: scene.victim.last,
    signed: { upTo: scene.victim.last - 1 },
    anchored: { upTo: 0 },
  });
});

test.if(python !== null)('it passes the second verifier, which is no longer than it may be', async () => {
  expect(askPython(scene.directory, ['--key', key])).toMatchObject({ code: 0 });
  expect(askPython(basename(scene.directory), [], dirname(scene.directory))).toMatchObject({ code: 0 });
  const source = await Bun.file(join(root, 'scripts/verify-audit.py')).text();
  expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(200);
  expect([...source.matchAll(/^import (.*)$/gm)].map(([, names]) => names)).toEqual([
    'argparse, base64, collections, functools, glob, hashlib, json, os, re, sys',
  ]);
});

describe.each(ALL_KINDS)('%s', (kind) => {
  test('is found at its place', () => {
    expect(tryMany(scene, kind, TIMES, 1).wrong).toEqual([]);
  });

  test.if(python !== null)('is found by the second verifier, too', () => {
    let agreed = 0;
    tryOnce(scene, kind, randomOf(2), ({ anchor = scene.victim.anchor }, { findings: [first] }) => {
      const file = join(scene.directory, 'anchor');
      writeFileSync(file, anchor);
      const said = askPython(scene.directory, [
        '--key',
        key,
        ...(needsAnchor(kind) ? ['--anchor', file] : []),
      ]);
      if (first) expect(said).toMatchObject({ code: 1, first: { seq: first.seq, kind: first.kind } });
      // What is no checkpoint any more cannot be judged by.
      else expect(said.code).toBe(2);
      agreed++;
    });
    expect(agreed).toBe(1);
  });
});

// Linux alone says which files a process has open.
test.if(existsSync('/proc/self/fd'))('no look leaves a file open, whatever it finds', () => {
  const random = randomOf(4);
  for (const kind of ALL_KINDS) {
    tryOnce(scene, kind, random);
    const open = readdirSync('/proc/self/fd').map((each) =>
      attempt(() => readlinkSync(`/proc/self/fd/${each}`)),
    );
    expect(open.filter((file) => file?.startsWith(scene.directory))).toEqual([]);
  }
});

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
