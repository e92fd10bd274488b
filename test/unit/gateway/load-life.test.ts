// The life of a loaded plugin: its stray errors, what happens to what it opened, and to calls that wait for it.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hooks, PluginHost } from '../../../src/core/plugin.ts';
import { Keeper, type Scope } from '../../../src/gateway/keep.ts';
import { type LoadedPlugin, loadPlugin, setUp } from '../../../src/gateway/load.ts';
import { McpNotification, McpRequest, McpResult } from '../../../src/protocol/message.ts';
import { exchangeOf } from '../../../src/testing/call.ts';
import { BARE_HOST } from '../../fixtures/plugin-host.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-life-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let files = 0;

/** Loads and sets up a plugin whose setup has this body. */
async function load(body: string, scope: Scope = new Keeper().scope()) {
  const path = join(root, `p${files++}.ts`);
  writeFileSync(
    path,
    `import { definePlugin, McpResult, z } from 'sluice/plugin';
     export default definePlugin({ name: 'p', api: 1, about: '', schema: z.object({}), async setup(_o, host) { ${body} } });`,
  );
  const strays: unknown[] = [];
  const stray = Promise.withResolvers<void>();
  const loaded = await loadPlugin(path, {
    onStray: (error, of) => {
      strays.push([String(error), of === path]);
      stray.resolve();
    },
  });
  return { path, strays, stray: stray.promise, loaded, hooks: await setUp(loaded, {}, hostOf(scope)) };
}

const hostOf = (scope: Scope): PluginHost => ({
  ...BARE_HOST,
  now: () => 7,
  keep: scope.keep,
});

const request = new McpRequest('tools/call', undefined);
const x = exchangeOf({ method: 'tools/call' }, 'x1', new AbortController().signal, 0);
const ask = (hooks: Hooks) => Promise.resolve(hooks.onRequest?.(request, x, () => undefined));
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('what nobody can catch', () => {
  const cases: Record<string, string> = {
    'a rejection': `void Promise.reject(new Error('lost'));`,
    'a timer': `setTimeout(() => { throw new Error('lost'); }, 1);`,
    'a microtask': `queueMicrotask(() => { throw new Error('lost'); });`,
    'a rejection after an await': `void (async () => { await 1; throw new Error('lost'); })();`,
  };
  for (const [what, statement] of Object.entries(cases)) {
    test(`${what} in setup is reported with the path`, async () => {
      const { strays, stray, loaded } = await load(`${statement} return {};`);
      await stray;
      expect(strays).toEqual([['Error: lost', true]]);
      loaded.dispose();
    });

    test(`${what} in a hook is reported with the path, and the hook’s verdict counts`, async () => {
      const { strays, stray, loaded, hooks } = await load(
        `return { onRequest() { ${statement} return McpResult.complete({}); } };`,
      );
      expect(await ask(hooks)).toBeInstanceOf(McpResult);
      await stray;
      expect(strays).toEqual([['Error: lost', true]]);
      loaded.dispose();
    });
  }
});

describe('hooks', () => {
  test('only those there are, each with its `this`', async () => {
    const { hooks, loaded } = await load(
      `return { calls: 0, onRequest() { return McpResult.complete({ calls: ++this.calls, now: host.now() }); } };`,
    );
    expect(Object.keys(hooks)).toEqual(['onRequest']);
    await ask(hooks);
    expect(((await ask(hooks)) as McpResult).value).toEqual({ calls: 2, now: 7 });
    loaded.dispose();
  });

  test('what they throw is their caller’s', async () => {
    const { hooks, strays, loaded } = await load(
      `return { onRequest() { throw new Error('no'); }, async onResult() { throw new Error('no, later'); } };`,
    );
    expect(() => hooks.onRequest?.(request, x, () => undefined)).toThrow('no');
    const late = hooks.onResult?.(McpResult.complete({}), x, () => undefined);
    await expect(late).rejects.toThrow('no, later');
    expect(strays).toEqual([]);
    loaded.dispose();
  });

  test('what the gateway does in emit is not the plugin’s', async () => {
    const { hooks, loaded } = await load(
      `return { async onRequest(_r, _x, emit) { await 1; await emit('note'); }, onNotification(n, _x, emit) { void emit(n); return null; } };`,
    );
    const seen: unknown[] = [];
    const emit = () => void seen.push(Bun.ModuleGraph.current);
    await hooks.onRequest?.(request, x, emit);
    await hooks.onNotification?.(McpNotification.of('n', {}), x, emit);
    expect(seen).toEqual([undefined, undefined]);
    loaded.dispose();
  });
});

describe('dispose', () => {
  test('rejects the calls that wait for the plugin, and is not called twice', async () => {
    const { hooks, loaded, path } = await load(
      `return { onRequest: () => new Promise(() => {}), onResult: () => Bun.sleep(3_600_000) };`,
    );
    const waiting = [
      ask(hooks),
      Promise.resolve(hooks.onResult?.(McpResult.complete({}), x, () => undefined)),
    ];
    loaded.dispose();
    loaded.dispose();
    for (const call of waiting)
      await expect(call).rejects.toThrow(`the plugin ${path} was unloaded meanwhile`);
    expect(() => hooks.onRequest?.(request, x, () => undefined)).toThrow(`the plugin ${path} is gone`);
  });

  test('stops what the plugin opened', async () => {
    const { hooks, loaded } = await load(
      `const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('here') });
       return { onRequest: () => McpResult.complete({ url: server.url.href }) };`,
    );
    const url = ((await ask(hooks)) as McpResult).value.url as string;
    expect(await (await fetch(url)).text()).toBe('here');
    loaded.dispose();
    await expect(fetch(url)).rejects.toThrow();
  });
});

describe('kept values', () => {
  const KEEPING = `
    const server = host.keep('server', () => Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('kept') }),
      async (kept) => { await kept.stop(true); globalThis.stopped = kept.url.href; });
    return { onRequest: () => McpResult.complete({ url: server.url.href }) };`;
  const urlOf = async (hooks: Hooks) => ((await ask(hooks)) as McpResult).value.url as string;

  test('outlive the load that made them, with their sockets, until no generation asks', async () => {
    const keeper = new Keeper();
    const [first, second] = [keeper.scope(), keeper.scope()];
    const before = await load(KEEPING, first);
    const url = await urlOf(before.hooks);
    const after = await load(KEEPING, second);
    before.loaded.dispose();
    await first.release();
    expect(await urlOf(after.hooks)).toBe(url);
    expect(await (await fetch(url)).text()).toBe('kept');
    after.loaded.dispose();
    await second.release();
    expect((globalThis as { stopped?: string }).stopped).toBe(url);
    await expect(fetch(url)).rejects.toThrow();
    expect(keeper.size).toBe(0);
  });

  test('that cannot be made keep nothing alive', async () => {
    const { loaded } = await load(
      `try { host.keep('x', () => { throw new Error('no'); }); } catch {}
       return {};`,
    );
    loaded.dispose();
    expect(() => loaded.run(() => 1)).toThrow('is gone');
  });
});

test('retain keeps the code at work until it is given back, once', async () => {
  const { loaded } = await load('return {};');
  const [one, two] = [loaded.retain(), loaded.retain()];
  loaded.dispose();
  one();
  one();
  expect(loaded.run(() => 1)).toBe(1);
  two();
  expect(() => loaded.run(() => 1)).toThrow('is gone');
});

test('many loads leave nothing behind', async () => {
  const path = join(root, 'big.ts');
  const entries = Array.from(
    { length: 2_000 },
    (_, i) => `k${i}: { name: 'entry ${i}', values: [${i}, ${i + 1}] }`,
  );
  writeFileSync(
    path,
    `import { definePlugin, z } from 'sluice/plugin'; export const big = { ${entries.join(', ')} };
     export default definePlugin({ name: 'big', api: 1, about: '', schema: z.object({}), setup: () => ({}) });`,
  );
  const alive: WeakRef<LoadedPlugin>[] = [];
  for (let i = 0; i < 50; i++) {
    const loaded = await loadPlugin(path, { onStray() {} });
    await setUp(loaded, {}, hostOf(new Keeper().scope()));
    alive.push(new WeakRef(loaded));
    loaded.dispose();
    await settle();
  }
  Bun.gc(true);
  await settle();
  Bun.gc(true);
  // The collector is conservative: a few may still be seen on the stack.
  expect(alive.filter((each) => each.deref() !== undefined).length).toBeLessThan(10);
});
