// How a gateway ends that does not end by a simple TERM, and what it does when others are in its place.
import { afterAll, expect, test } from 'bun:test';
import { demoConfig, Home, urlOf } from './child.ts';

const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());

const own = (name: string, extra = '') =>
  home.write(`${name}.yaml`, demoConfig(extra).replace('./admin.sock', `./${name}.sock`));

test('a second INT ends at once with 130, and the call knows that it got no answer: 75', async () => {
  const gateway = home.start(['run', '-c', own('int')]);
  const url = await urlOf(gateway);
  const call = home.start(['call', 'slow_count', 'to=100', 'every_ms=200', '--url', url], { terminal: true });
  await call.until(/1 of 100/);
  gateway.signal('SIGINT');
  await gateway.until(/"msg":"stopping"/);
  // Signals of one burst are one: they count again a moment later.
  const again = setInterval(() => gateway.signal('SIGINT'), 100);
  expect(await gateway.exited).toBe(130);
  clearInterval(again);
  expect(await call.exited).toBe(75);
  expect(call.out).toContain('the gateway closed the connection before the result');
});

test('a gateway whose terminal goes away stops, and HUP before that reloads', async () => {
  const gateway = home.start(['run', '-c', own('hup')], { terminal: true });
  await gateway.until(/ready in \d+ ms/);
  gateway.signal('SIGHUP');
  await gateway.until(/reloaded hup\.yaml in \d+ ms · generation 1 → 2/);
  gateway.hangUp();
  expect(await gateway.exited).toBe(0);
});

test('on a terminal the start text is for people', async () => {
  const gateway = home.start(['run', '-c', own('tty', 'pipeline:\n  - progress: {}\n')], { terminal: true });
  await gateway.until(/ready in \d+ ms/);
  const text = Bun.stripANSI(gateway.out).replaceAll('\r', '');
  expect(text).toMatch(/^sluice \d+\.\d+\.\d+ · \S+ · config: tty\.yaml\n/);
  expect(text).toMatch(/^ {2}MCP +http:\/\/127\.0\.0\.1:\d+\/mcp$/m);
  expect(text).toMatch(/^ {2}pipeline +progress$/m);
  expect(text).toContain('try: sluice call slow_count to=5');
  gateway.type('\u0003');
  expect(await gateway.exited).toBe(0);
});

test('progress is a bar on a terminal, the result comes after it', async () => {
  const gateway = home.start(['run', '-c', own('bar')]);
  const url = await urlOf(gateway);
  const call = home.start(['call', 'slow_count', 'to=4', 'every_ms=250', '--url', url], { terminal: true });
  await call.until(/slow_count {2}\S*█+░+\S* +25% {2}"1 of 4"/);
  expect(await call.exited).toBe(0);
  expect(call.out).toContain('\r\u001b[2KCounted to 4.\r\n');
  gateway.signal('SIGTERM');
  expect(await gateway.exited).toBe(0);
});

test('Ctrl-C cancels a call: 130, and the upstream is told', async () => {
  const gateway = home.start(['run', '-c', own('cancel')]);
  const call = home.start(['call', 'slow_count', 'to=100', 'every_ms=50', '--url', await urlOf(gateway)], {
    terminal: true,
  });
  await call.until(/\d of 100/);
  call.type('\u0003');
  expect(await call.exited).toBe(130);
  await gateway.until(/"method":"tools\/call".*"status":"cancelled"/);
  gateway.signal('SIGTERM');
  expect(await gateway.exited).toBe(0);
});

test('what a tool asks is answered at the terminal', async () => {
  const gateway = home.start(['run', '-c', own('ask')]);
  const call = home.start(['call', 'ask', 'question=Which?', '--url', await urlOf(gateway)], {
    terminal: true,
  });
  await call.until(/Which\?[\s\S]*Answer/);
  call.type('teal\n');
  await call.until(/Send this answer/);
  call.type('y\n');
  expect(await call.exited).toBe(0);
  expect(call.out).toContain('The user answered: teal');
  gateway.signal('SIGTERM');
  expect(await gateway.exited).toBe(0);
});

test('an admin port that is taken: 1, which port, what to do', async () => {
  using taken = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
  const file = home.write(
    'taken.yaml',
    demoConfig().replace(
      'listen: off, socket: ./admin.sock',
      `listen: "127.0.0.1:${taken.port}", socket: off`,
    ),
  );
  const { code, err } = await home.run(['run', '-c', file]);
  expect(code).toBe(1);
  expect(err).toContain(
    `cannot open the admin listener on 127.0.0.1:${taken.port}: port ${taken.port} is in use`,
  );
  expect(err).toContain('set `admin: { listen: 127.0.0.1:PORT }`');
  expect(err).not.toContain('    at ');
});

test('an MCP port that is taken: 1, where it stands in the file', async () => {
  using taken = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
  home.write('mcp.yaml', demoConfig().replace('127.0.0.1:0', `127.0.0.1:${taken.port}`));
  const { code, err } = await home.run(['run', '-c', 'mcp.yaml']);
  expect(code).toBe(1);
  expect(err).toContain(`mcp.yaml:2:21  cannot listen on 127.0.0.1:${taken.port}: another program`);
});

test('without a place to write it warns, and runs without key file and socket', async () => {
  home.write('bare.yaml', demoConfig().replace(', socket: ./admin.sock', ''));
  const env = { XDG_STATE_HOME: '/dev/null', XDG_RUNTIME_DIR: '/dev/null' };
  const gateway = home.start(['run', '-c', 'bare.yaml'], { env });
  await urlOf(gateway);
  expect(gateway.err).toContain('sessions will not outlive this process');
  expect(gateway.err).toContain('no admin socket');
  gateway.signal('SIGTERM');
  expect(await gateway.exited).toBe(0);
  home.write('named.yaml', `${demoConfig()}state: { dir: /dev/null/x }\n`);
  const named = await home.run(['run', '-c', 'named.yaml']);
  expect(named.code).toBe(1);
  expect(named.err).toContain('cannot keep a key in /dev/null/x: ENOTDIR');
});

test('a configuration that does not stand: 78, with frames, nothing opened', async () => {
  home.write('bad.yaml', `${demoConfig()}nonsense: 1\n`);
  const { code, out, err } = await home.run(['run', '-c', 'bad.yaml']);
  expect({ code, out }).toEqual({ code: 78, out: '' });
  expect(err).toContain('unknown field "nonsense"');
});

test('a stray rejection or throw of a plugin is logged, and the gateway goes on', async () => {
  home.write(
    'stray.ts',
    `import { definePlugin, z } from 'sluice/plugin';
     export default definePlugin({ name: 'stray', api: 1, about: 'x', schema: z.object({}), setup() {
       return { onRequest() {
         setTimeout(() => { throw new Error('thrown later'); }, 0);
         void Promise.reject(new Error('rejected later'));
       } };
     } });`,
  );
  const gateway = home.start(['run', '-c', own('stray', 'pipeline:\n  - ./stray.ts: {}\n')]);
  const url = await urlOf(gateway);
  expect((await home.run(['call', 'echo', 'text=one', '--url', url])).out).toBe('one\n');
  await gateway.until(/thrown later/);
  await gateway.until(/rejected later/);
  expect((await home.run(['call', 'echo', 'text=two', '--url', url])).out).toBe('two\n');
  gateway.signal('SIGTERM');
  expect(await gateway.exited).toBe(0);
});
