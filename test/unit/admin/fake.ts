// A gateway for the admin server that only remembers what it was asked.
import type { AdminSource, Question } from '../../../src/admin/source.ts';

export interface FakeSource extends AdminSource {
  readonly asked: (Question | { readonly dryRun: boolean })[];
  isReady: boolean;
  isSound: boolean;
  gone: string[];
  /** What a reload waits for. */
  wait: Promise<void>;
}

export function fakeSource(): FakeSource {
  const source: FakeSource = {
    asked: [],
    isReady: true,
    isSound: true,
    gone: [],
    wait: Promise.resolve(),
    ready: () => source.isReady,
    away: () => source.gone,
    calls: (most) => ({ version: 1, calls: 3, most }),
    status: () => ({ version: 1, generation: 7 }),
    metrics: {
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      metrics: async () => 'sluice_up 1\n',
    },
    redact: (text) => text,
    async reload({ dryRun }) {
      source.asked.push({ dryRun });
      await source.wait;
      return { ok: source.isSound, body: { version: 1, ok: source.isSound } };
    },
    plugins: () => ({ version: 1, plugins: [{ name: 'a', plugin: 'a' }] }),
    plugin: async (id, asked) => (id === 'up/a' ? { told: asked } : id === 'quiet' ? null : undefined),
    explain(question) {
      source.asked.push(question);
      return question.endpoint === '/none' ? undefined : { version: 1, route: 'somewhere' };
    },
  };
  return source;
}
