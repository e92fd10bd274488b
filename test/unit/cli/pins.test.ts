// `sluice pins` beside a gateway that runs: a tool changes, is blocked, shown, approved, and is there again.
import { expect, test } from 'bun:test';
import { startRawUpstream } from '../../fixtures/raw-upstream.ts';
import { Home, urlOf } from './child.ts';

const tools = (description: string) =>
  JSON.stringify([{ name: 'read', description, inputSchema: { type: 'object' } }]);

test('from the first sight to the approval', async () => {
  await using home = new Home();
  const answer = () => '{"content":[{"type":"text","text":"done"}],"resultType":"complete"}';
  const before = startRawUpstream({ tools: tools('Reads.'), answer });
  const { port } = before;
  home.write(
    'gateway.yaml',
    `listeners: [{ http: { listen: 127.0.0.1:0 } }]
admin: { listen: off, socket: ./admin.sock }
state: { pins: ./pins.json }
upstreams: { files: { url: "${before.url}", era: 2026, pin: { on_drift: block } }, demo: { builtin: demo } }
endpoints: { /mcp: { upstreams: [files] }, /all: {} }
`,
  );
  const gateway = home.start(['run']);
  const url = await urlOf(gateway);
  const several = url.replace('/mcp', '/all');
  const ofMany = async () => {
    const { out } = await home.run(['tools', 'list', '--url', several]);
    return out.split('\n').find((line) => line.startsWith('files__read'));
  };
  expect((await home.run(['tools', 'list', '--url', url])).out).toBe('read  Reads.\n');
  expect(await ofMany()).toMatch(/Reads\.$/);
  const listed = await home.run(['pins', 'list']);
  expect(listed.out).toMatch(/^files\/read {2}approved {2}20[^\n]*\n$/);
  expect((await home.run(['pins', 'diff'])).code).toBe(0);
  for (const mistyped of [
    ['diff', 'fils'],
    ['diff', 'files', 'raed'],
    ['list', 'fils'],
  ])
    expect(await home.run(['pins', ...mistyped])).toMatchObject({
      code: 1,
      err: expect.stringContaining('seen'),
    });

  await before.stop();
  const after = startRawUpstream({ tools: tools('Reads, and sends it away.'), answer, port });
  const none = await home.run(['tools', 'list', '--url', url]);
  expect(none.err).toBe('no tools\n');
  expect(await ofMany()).toBeUndefined();
  const refused = await home.run(['call', 'read', '--url', url]);
  expect(refused.code).not.toBe(0);
  expect((await home.run(['status'])).out).toContain('! 1 tool is not approved: sluice pins diff files\n');
  const diff = await home.run(['pins', 'diff', 'files', 'read']);
  expect(diff).toMatchObject({
    code: 1,
    out: expect.stringContaining('  description\n  - Reads.\n  + Reads, and sends it away.\n'),
  });
  expect((await home.run(['pins', 'approve', 'files', 'nothing'])).code).toBe(1);
  expect((await home.run(['pins', 'approve'])).code).toBe(2);
  expect(await home.run(['pins', 'approve', 'files'])).toEqual({
    code: 0,
    out: 'approved files/read\n',
    err: '',
  });
  expect((await home.run(['tools', 'list', '--url', url])).out).toBe('read  Reads, and sends it away.\n');
  expect(await ofMany()).toMatch(/away\.$/);
  expect(JSON.parse((await home.run(['pins', 'list', '--json'])).out).tools).toEqual([
    { upstream: 'files', tool: 'read', state: 'approved', seen: expect.any(String) },
  ]);
  await after.stop();
});

test('a pin file that would end the start is told by check, too', async () => {
  await using home = new Home();
  home.write('gateway.yaml', 'state: { pins: ./pins.json }\nupstreams: { demo: { builtin: demo } }\n');
  expect((await home.run(['check'])).code).toBe(0);
  home.write('pins.json', 'oh no');
  const { code, err } = await home.run(['check']);
  expect(code).not.toBe(0);
  expect(err).toContain('is not JSON');
});
