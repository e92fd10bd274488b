// Where a configuration may come from beside a plain file, and how much of it is read.
import { afterAll, expect, test } from 'bun:test';
import { demoConfig, Home } from './child.ts';

const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());

test('what is on stdin: relative paths begin where it is run', async () => {
  home.write('here.txt', 'http://127.0.0.1:1/mcp');
  const text = `upstreams: { a: { url: "\${file:here.txt}" } }\n`;
  expect(await home.run(['check', '-c', '-'], text)).toEqual({
    code: 0,
    out: 'stdin: no problems\n',
    err: '',
  });
  const { code, err } = await home.run(['check', '-c', '-'], 'upstreams: { a: { commnd: x } }\n');
  expect([code, err]).toEqual([78, expect.stringContaining('stdin:1:19')]);
});

test('stdin is for what reads it once: 2', async () => {
  const { code, out, err } = await home.run(['run', '-c', '-'], demoConfig());
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain('only `sluice check` reads it from stdin');
});

test('a file without an end: 78, and it is not read to the end', async () => {
  const told = 'the configuration cannot be read: it is longer than 4MiB';
  for (const command of ['check', 'run']) {
    const { code, err } = await home.run([command, '-c', '/dev/zero']);
    expect([code, err]).toEqual([78, expect.stringContaining(told)]);
  }
  expect(await home.run(['check', '-c', '-'], ' '.repeat(4 * 1024 * 1024 + 1))).toMatchObject({
    code: 78,
    err: expect.stringContaining(told),
  });
  home.write('endless.yaml', `upstreams: { a: { url: "\${file:/dev/zero}" } }\n`);
  const { code, err } = await home.run(['check', '-c', 'endless.yaml']);
  expect([code, err]).toEqual([78, expect.stringContaining('cannot read "/dev/zero": it is too long')]);
});
