// Many first calls at once.
import { expect, test } from 'bun:test';
import { call, openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { startRawUpstream } from '../fixtures/raw-upstream.ts';

const GREETING = { '2025': 'initialize', '2026': 'server/discover' } as const;

for (const era of ['2025', '2026'] as const) {
  test(`many first calls at once greet a server of ${era} once`, async () => {
    const upstream = startRawUpstream({ era, answer: () => '{"content":[]}' });
    const config = { up: { url: upstream.url, era } };
    await using gateway = await startInProcess(configOf(config));
    const session = await openSession(gateway.url);
    const greeted = () => upstream.seen.filter(({ message }) => message.method === GREETING[era]).length;
    const before = greeted();
    const ids = [...Array(20).keys()];
    // Of 2026 nobody has called yet; of 2025 the session's own link is there since it was opened.
    const stateless = await Promise.all(ids.map((id) => call(gateway.url, 'a', {}, { id })));
    const inSession = await Promise.all(ids.map((id) => session.call('a', {}, { id })));
    for (const answer of [...stateless, ...inSession])
      expect((await answer.json()).result.content).toEqual([]);
    expect([before, greeted() - before]).toEqual([1, era === '2025' ? 1 : 0]);
    // Nothing was said in a session before it was said to be initialized.
    for (const id of new Set(upstream.seen.map(({ headers }) => headers.get('mcp-session-id') ?? ''))) {
      if (id === '') continue;
      const [first] = upstream.seen.filter(({ headers }) => headers.get('mcp-session-id') === id);
      expect(first?.message.method).toBe('notifications/initialized');
    }
    await gateway.stop();
    await upstream.stop();
  });
}
