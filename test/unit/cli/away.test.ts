// What the commands say of an upstream that is not called for now, and of one in several places.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type Child, demoConfig, Home, urlOf } from './child.ts';

const home = new Home();
let gateway: Child;

const NOBODY = 'http://127.0.0.1:1/mcp?key=a-key-in-the-query';
const AWAY = `  gone:
    url: ${NOBODY}
    breaker: { failures: 1, open: 2h, open_max: 2h }
`;

beforeAll(async () => {
  home.write('gateway.yaml', demoConfig(AWAY));
  gateway = home.start(['run']);
  await urlOf(gateway);
});
afterAll(() => home[Symbol.asyncDispose]());

test('status says which, why and until when; the gateway is ready all the same', async () => {
  const url = await urlOf(gateway);
  expect((await home.run(['tools', 'list', '--url', url])).code).toBe(0);
  const { code, out } = await home.run(['status']);
  expect(code).toBe(0);
  expect(out).toMatch(
    / {14}http:\/\/127\.0\.0\.1:1\/mcp not called for now, tried again in .*: The upstream "gone" cannot be reached/,
  );
  expect(out).not.toContain('a-key-in-the-query');
  const json = JSON.parse((await home.run(['status', '--json'])).out);
  const [demo, gone] = json.upstreams;
  expect(demo.targets).toEqual([{ target: '', state: 'closed' }]);
  expect(gone.targets).toMatchObject([{ target: 'http://127.0.0.1:1/mcp', state: 'open' }]);
  expect(gone.targets[0].retryAfterMs).toBeGreaterThan(0);
  expect(await home.run(['health', '--ready'])).toEqual({
    code: 0,
    out: 'ok: ready\nnot called for now: gone\n',
    err: '',
  });
  expect(gateway.err).toContain('upstream is not called for now');
  expect(gateway.err).not.toContain('a-key-in-the-query');
});

test('check --connect asks each place, and fails where one is not there', async () => {
  const places = `  several:
    urls: ["${await urlOf(gateway)}", "${NOBODY}"]
`;
  home.write('places.yaml', demoConfig(places));
  const { code, out } = await home.run(['check', '-c', 'places.yaml', '--connect']);
  expect(code).toBe(1);
  expect(out).toMatch(/✓ several {2}http:\/\/127\.0\.0\.1:\d+\/mcp {2}\d+ tools/);
  expect(out).toMatch(/✗ several {2}http:\/\/127\.0\.0\.1:1\/mcp {2}.*cannot be reached/);
  expect(out).not.toContain('a-key-in-the-query');
});
