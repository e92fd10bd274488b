// The program ends in the middle of fifty sessions and starts again: every next call succeeds, as if nothing had
// been. Log levels, subscriptions and ends are where they were.
import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { openSession, sessionOf } from '../fixtures/clients.ts';
import { plainConfig, type RunningGateway, startGateway } from '../fixtures/gateway.ts';
import { until } from '../fixtures/until.ts';
import { LEVELS, serveWatched, watchedStdio } from '../fixtures/watched.ts';

const CLIENTS = 50;

interface Watcher {
  readonly uri: string;
  readonly session: string | undefined;
  readonly levels: readonly string[];
  readonly logs: string[];
  readonly updated: string[];
  readonly lists: number;
  call(name: string, args: Record<string, unknown>): Promise<unknown>;
  close(): Promise<void>;
}

/** A client on SDK v1 with a log level and a subscription of its own. */
async function connectWatcher(url: string, i: number): Promise<Watcher> {
  const client = new Client({ name: `client ${i}`, version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    // However long the start takes: the client looks again and again.
    reconnectionOptions: {
      initialReconnectionDelay: 50,
      maxReconnectionDelay: 50,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 1_000,
    },
  });
  const [logs, updated]: [string[], string[]] = [[], []];
  let lists = 0;
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    logs.push(String(params.data));
  });
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    updated.push(params.uri);
  });
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    lists++;
  });
  await client.connect(transport as Transport);
  const level = LEVELS[i % LEVELS.length] ?? 'info';
  const uri = `test://${i}`;
  await client.setLoggingLevel(level);
  await client.subscribeResource({ uri });
  return {
    uri,
    session: transport.sessionId,
    levels: LEVELS.slice(LEVELS.indexOf(level)),
    logs,
    updated,
    get lists() {
      return lists;
    },
    call: (name, args) => client.callTool({ name, arguments: args }),
    close: () => client.close(),
  };
}

/** One after the other: log lines of a process that is shared belong to the one call at work. */
async function sayAll(watchers: readonly Watcher[], text: string): Promise<void> {
  for (const watcher of watchers) {
    watcher.logs.length = 0;
    expect(await watcher.call('say', { text })).toMatchObject({ content: [{ text }] });
    expect(watcher.logs).toEqual(watcher.levels.map((level) => `${text} ${level}`));
  }
}

async function scene(upstream: object, end: (gateway: RunningGateway) => Promise<unknown>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-state-'));
  const config = { ...plainConfig({ watched: upstream }), state: { dir } };
  const first = await startGateway(config);
  const watchers = await Promise.all([...Array(CLIENTS).keys()].map((i) => connectWatcher(first.url, i)));
  const over = await openSession(first.url);
  await fetch(first.url, { method: 'DELETE', headers: over.headers });
  await sayAll(watchers, 'before');
  const lists = watchers.map((watcher) => watcher.lists);
  await end(first);

  const listen = new URL(first.url).host;
  const second = await startGateway({ ...config, listeners: [{ http: { listen } }] });
  try {
    const answers = await Promise.all(watchers.map(({ call }, i) => call('say', { text: `${i}` })));
    expect(answers).toMatchObject(watchers.map((_, i) => ({ content: [{ text: `${i}` }] })));
    expect((await sessionOf(second.url, over.id, over.headers).ask('ping')).status).toBe(404);
    // Each stream is back: whatever was missed may have changed.
    await until(() => watchers.every((each, i) => each.updated.length > 0 && each.lists > (lists[i] ?? 0)));
    await sayAll(watchers, 'after');
    for (const { updated } of watchers) updated.length = 0;
    for (const { call, uri } of watchers) await call('touch', { uri });
    await until(() => watchers.every(({ updated }) => updated.length > 0));
    expect(watchers.map(({ updated }) => [...new Set(updated)])).toEqual(watchers.map(({ uri }) => [uri]));
    expect(new Set(watchers.map(({ session }) => session)).size).toBe(CLIENTS);
    expect(second.log()).not.toMatch(/"level":"(warn|error)"/);
  } finally {
    await Promise.all(watchers.map((watcher) => watcher.close()));
    await second.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

const ends = {
  SIGTERM: async (gateway: RunningGateway) => expect(await gateway.stop()).toBe(0),
  SIGKILL: (gateway: RunningGateway) => gateway.kill(),
};

for (const [signal, end] of Object.entries(ends))
  describe(`after ${signal}`, () => {
    for (const era of ['2025', '2026'] as const) {
      test(`in front of an HTTP upstream of ${era}`, async () => {
        const upstream = serveWatched(era);
        await scene({ url: upstream.url }, end);
        await upstream.stop();
      }, 120_000);

      test(`in front of a process of ${era}`, () => scene(watchedStdio(era), end), 60_000);
    }
  });
