// What the client asks, and what it must be told.
import { z } from 'zod';
import { catalogue, type ErrorName } from '../../src/core/errors.ts';
import { declaredIn, type Json, paramsOf, received } from './eras.ts';
import type { Known, Scene } from './scene.ts';
import { type Verb, verb } from './verb.ts';

const object = z.record(z.string(), z.unknown());
const nothing = z.undefined();

export const clientVerbs: Readonly<Record<string, Verb>> = {
  'client calls': verb(
    z.strictObject({
      method: z.string(),
      params: object.optional(),
      /** Any JSON; the next free number where none is given. */
      id: z.unknown().optional(),
      token: z.unknown().optional(),
      level: z.string().optional(),
    }),
    async (scene, { id = scene.newId(), ...call }, name) => {
      if (scene.leg.client === '2025') {
        if (call.level !== undefined) await setLevel(scene, call.level);
        scene.level = call.level ?? scene.level;
      }
      const level = call.level ?? scene.level;
      scene.calls.set(name, { ...call, level, id, asked: new Map(), sent: sent(scene, id, call) });
    },
  ),
  'client gets': verb(object, async (scene, value, name) => {
    const known = scene.call(name);
    const { client, upstream } = scene.leg;
    const result = received(client, upstream, known.method, value);
    await ends(scene, known, { result });
  }),
  'client gets error': verb(
    z.strictObject({
      /** A number, or the name of an error of the gateway's own. */
      code: z.union([z.number(), z.string()]),
      message: z.string().optional(),
      data: z.unknown().optional(),
      /** Of HTTP in 2026. */
      status: z.number().optional(),
    }),
    async (scene, { code, message = '…', data, status }, name) => {
      const own = typeof code === 'string' ? catalogue[code as ErrorName] : undefined;
      const known = scene.call(name);
      const said = await ends(
        scene,
        known,
        undefined,
        status ?? (own?.fault === 'upstream' ? 200 : own?.http),
      );
      const wanted = { code: own?.code ?? code, message };
      const { error } = JSON.parse(said);
      if (own && error?.data?.code !== code) throw new Error(`not ${code}: ${said}`);
      const more = data !== undefined ? { data } : own && { data: '…' };
      scene.expect({ jsonrpc: '2.0', id: known.id, error: { ...wanted, ...more } }, said);
    },
  ),
  /** No answer, and over HTTP the end of the stream where one should have come. */
  'client gets nothing': verb(nothing, async (scene, _nothing, name) => {
    const { inbox, head } = scene.call(name).sent;
    if (head) await inbox.over();
  }),
  'client hears progress': verb(object, async (scene, report, name) => {
    const { token } = scene.call(name);
    await hears(scene, name, {
      method: 'notifications/progress',
      params: { progressToken: token, ...report },
    });
  }),
  'client hears log': verb(object, async (scene, params, name) => {
    await hears(scene, name, { method: 'notifications/message', params });
  }),
  'client hears': verb(object, hears),
  'client cancels': verb(nothing, async (scene, _nothing, name) => {
    const { id, sent: open } = scene.call(name);
    if (scene.leg.client === '2026' && open.drop) return open.drop();
    const params = { requestId: id, reason: 'no longer wanted' };
    await scene.client.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
  }),
  /** Its connection is gone, nothing is said. */
  'client drops the answer': verb(nothing, async (scene, _nothing, name) => {
    await scene.call(name).sent.drop?.();
  }),
  /** A message without an answer, as it stands. */
  'client says': verb(object, (scene, message) => scene.client.say({ jsonrpc: '2.0', ...message })),
  'client leaves': verb(nothing, (scene) => scene.client.end()),
};

async function hears(scene: Scene, name: string, message: Json): Promise<void>;
async function hears(scene: Scene, message: Json, name: string): Promise<void>;
async function hears(scene: Scene, one: string | Json, other: string | Json): Promise<void> {
  const [name, message] = typeof one === 'string' ? [one, other as Json] : [String(other), one];
  const { text } = await scene.next(scene.call(name).sent);
  scene.expect({ jsonrpc: '2.0', ...message }, text);
}

/** Puts a request of the client's era on the wire. */
export function sent(scene: Scene, id: unknown, call: Pick<Known, 'method' | 'params' | 'token' | 'level'>) {
  const { leg, walk, client } = scene;
  const params = paramsOf(leg.client, call, declaredIn(leg.client, walk.capabilities));
  return client.request({ jsonrpc: '2.0', id, method: call.method, ...(params && { params }) });
}

async function setLevel(scene: Scene, level: string): Promise<void> {
  const id = scene.newId();
  const answer = await scene.next(sent(scene, id, { method: 'logging/setLevel', params: { level } }));
  scene.expect({ jsonrpc: '2.0', id, result: {} }, answer.text);
}

/** The last message of an answer: whole, with the right status and nothing behind it. @returns its text */
export async function ends(scene: Scene, known: Known, rest?: Json, status = 200): Promise<string> {
  const { text } = await scene.next(known.sent);
  if (rest) scene.expect({ jsonrpc: '2.0', id: known.id, ...rest }, text);
  const head = await known.sent.head;
  if (head === undefined) return text;
  await known.sent.inbox.over();
  const isStream = head.type.startsWith('text/event-stream');
  const wanted = isStream || scene.leg.client === '2025' ? 200 : status;
  if (head.status !== wanted) throw new Error(`the status was to be ${wanted}, is ${head.status}: ${text}`);
  return text;
}
