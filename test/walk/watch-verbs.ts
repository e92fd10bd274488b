// What is told outside of calls: changes of lists and resources, in either era's way.
import { z } from 'zod';
import { until } from '../fixtures/until.ts';
import { sent } from './client-verbs.ts';
import { type Json, SUBSCRIPTION } from './eras.ts';
import { differences, exact, written } from './exact.ts';
import type { Scene } from './scene.ts';
import { type Verb, verb } from './verb.ts';

const filter = z.strictObject({
  uris: z.array(z.string()).default([]),
  lists: z.array(z.enum(['tools', 'prompts', 'resources'])).default([]),
});
const event = z.union([z.strictObject({ updated: z.string() }), z.strictObject({ changed: z.string() })]);

type Filter = z.infer<typeof filter>;
type Event = z.infer<typeof event>;

export const watchVerbs: Readonly<Record<string, Verb>> = {
  'client watches': verb(filter, async (scene, wanted) => {
    if (scene.leg.client === '2026') return listen(scene, wanted);
    scene.standing ??= await scene.client.standing();
    for (const uri of wanted.uris) await ask2025(scene, 'resources/subscribe', uri);
  }),
  /** What it still wants to hear of is named. */
  'client watches only': verb(
    z.strictObject({ uris: z.array(z.string()), not: z.array(z.string()) }),
    async (scene, { uris, not }) => {
      if (scene.leg.client === '2026') {
        await unlisten(scene);
        return listen(scene, { uris, lists: [] });
      }
      for (const uri of not) await ask2025(scene, 'resources/unsubscribe', uri);
    },
  ),
  'upstream is watched': verb(filter, (scene, { uris, lists }) =>
    until(() => {
      const now = scene.server.watched();
      const listed = scene.leg.upstream === '2025' || lists.every((list) => now.lists.has(list));
      return listed && now.uris.size === uris.length && uris.every((uri) => now.uris.has(uri));
    }),
  ),
  'upstream announces': verb(event, (scene, told) => {
    const { method, params } = noteOf(told);
    return scene.server.announce(method, params, (wanted) =>
      'updated' in told
        ? ((wanted.resourceSubscriptions as string[] | undefined) ?? []).includes(told.updated)
        : wanted[`${told.changed}ListChanged`] === true,
    );
  }),
  'client hears event': verb(event, async (scene, told) => {
    const { method, params } = noteOf(told);
    const { watching, standing, leg } = scene;
    const tagged = leg.client === '2026' ? { ...params, _meta: { [SUBSCRIPTION]: watching?.id } } : params;
    const expected = { jsonrpc: '2.0', method, ...(Object.keys(tagged).length > 0 && { params: tagged }) };
    const inbox = leg.client === '2026' ? watching?.sent.inbox : standing;
    if (!inbox) throw new Error('the client watches nothing');
    // In any order with others: what it must not hear is found at the end.
    await inbox.take(({ text }) => differences(written(expected), withoutEmpty(text)).length === 0);
  }),
};

/** `params: {}` says no more than none. */
function withoutEmpty(text: string): unknown {
  const { params, ...rest } = exact(text) as Json;
  return params === undefined || Object.keys(params as Json).length === 0 ? rest : { ...rest, params };
}

function noteOf(told: Event): { method: string; params: Json } {
  if ('updated' in told) return { method: 'notifications/resources/updated', params: { uri: told.updated } };
  return { method: `notifications/${told.changed}/list_changed`, params: {} };
}

async function ask2025(scene: Scene, method: string, uri: string): Promise<void> {
  const id = scene.newId();
  const answer = await scene.next(sent(scene, id, { method, params: { uri } }));
  scene.expect({ jsonrpc: '2.0', id, result: {} }, answer.text);
}

async function listen(scene: Scene, { uris, lists }: Filter): Promise<void> {
  const notifications = {
    ...Object.fromEntries(lists.map((list) => [`${list}ListChanged`, true])),
    ...(uris.length > 0 && { resourceSubscriptions: uris }),
  };
  const id = `listen ${scene.newId()}`;
  const open = sent(scene, id, { method: 'subscriptions/listen', params: { notifications } });
  scene.watching = { sent: open, id, filter: notifications };
  const acknowledged = await scene.next(open);
  const params = { notifications, _meta: { [SUBSCRIPTION]: id } };
  const method = 'notifications/subscriptions/acknowledged';
  scene.expect({ jsonrpc: '2.0', method, params }, acknowledged.text);
}

export async function unlisten(scene: Scene): Promise<void> {
  const { watching, client } = scene;
  if (!watching) return;
  scene.watching = undefined;
  if (watching.sent.drop) return watching.sent.drop();
  await client.say({
    jsonrpc: '2.0',
    method: 'notifications/cancelled',
    params: { requestId: watching.id },
  });
}
