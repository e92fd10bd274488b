// `sluice stdio`: stdout is the wire and nothing else, and the process ends with its client.
import { afterAll, expect, test } from 'bun:test';
import { demoConfig, Home } from './child.ts';

const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());

const hello = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
};
const line = (message: unknown) => `${JSON.stringify(message)}\n`;
const call = (id: number, name: string, args: object) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});

test('serves its client and ends with it, exit 0', async () => {
  const file = home.write('gateway.yaml', demoConfig());
  const gateway = home.start(['stdio', '-c', file]);
  gateway.send(line(hello));
  await gateway.until(/"id":1,"result"/);
  gateway.send(line({ jsonrpc: '2.0', method: 'notifications/initialized' }));
  gateway.send(line(call(2, 'echo', { text: 'hi' })));
  await gateway.until(/"id":2,"result"/);
  gateway.end();
  expect(await gateway.exited).toBe(0);
  const messages = gateway.out
    .trimEnd()
    .split('\n')
    .map((each) => JSON.parse(each));
  expect(messages.map(({ id }) => id)).toEqual([1, 2]);
  expect(messages[1].result.content).toEqual([{ type: 'text', text: 'hi' }]);
  expect(gateway.err).toContain('"msg":"stopped"');
});

test('what a plugin prints does not get onto the wire', async () => {
  home.write(
    'loud.ts',
    `import { definePlugin, z } from 'sluice/plugin';
     export default definePlugin({ name: 'loud', api: 1, about: 'x', schema: z.object({}), setup() {
       return { onRequest() {
         console.log('printed by log'); console.info('printed by info'); process.stdout.write('printed by write\\n');
       } };
     } });`,
  );
  const gateway = home.start([
    'stdio',
    '-c',
    home.write('loud.yaml', demoConfig('pipeline:\n  - ./loud.ts: {}\n')),
  ]);
  gateway.send(line(hello));
  await gateway.until(/"id":1,"result"/);
  gateway.end();
  expect(await gateway.exited).toBe(0);
  for (const each of gateway.out.trimEnd().split('\n')) expect(JSON.parse(each).jsonrpc).toBe('2.0');
  for (const how of ['log', 'info', 'write']) expect(gateway.err).toContain(`printed by ${how}`);
});

test('a large answer arrives whole', async () => {
  const gateway = home.start(['stdio', '-c', home.write('big.yaml', demoConfig())]);
  gateway.send(line(hello));
  await gateway.until(/"id":1,"result"/);
  gateway.send(line({ jsonrpc: '2.0', method: 'notifications/initialized' }));
  gateway.send(line(call(2, 'big', { bytes: 1_000_000 })));
  await gateway.until(/"id":2,.*\]\}\}\n/);
  const answer = JSON.parse(gateway.out.trimEnd().split('\n').at(-1) ?? '');
  expect(answer.result.content[0].text).toHaveLength(1_000_000);
  gateway.end();
  expect(await gateway.exited).toBe(0);
});

test('TERM ends it while its client is still there', async () => {
  const gateway = home.start(['stdio', '-c', home.write('term.yaml', demoConfig())]);
  gateway.send(line(hello));
  await gateway.until(/"id":1,"result"/);
  gateway.signal('SIGTERM');
  expect(await gateway.exited).toBe(0);
});

test('`run` serves stdin where the file says so, and ends with it where there is nothing else', async () => {
  const file = home.write('pipes.yaml', demoConfig().replace(/ {2}- http.*\n/, '  - stdio: {}\n'));
  const gateway = home.start(['run', '-c', file]);
  gateway.send(line(hello));
  await gateway.until(/"id":1,"result"/);
  gateway.end();
  expect(await gateway.exited).toBe(0);
});
