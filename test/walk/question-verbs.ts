// What the server wants to know during a call, in either era's way: a request of its own, or a result that asks.
import { z } from 'zod';
import { madeBy } from '../fixtures/made-by.ts';
import type { Sent } from './client-http.ts';
import { ends, sent } from './client-verbs.ts';
import { GATEWAY, type Json, type Question, questionOf, text } from './eras.ts';
import { differences, exact, written } from './exact.ts';
import type { Asked, Known, Scene } from './scene.ts';
import { arriving } from './upstream-verbs.ts';
import { type Verb, verb } from './verb.ts';

const object = z.record(z.string(), z.unknown());
const question = z.strictObject({ method: z.string(), params: object.optional() });
const answer = z.union([z.strictObject({ result: object }), z.strictObject({ error: object })]);
const names = z.array(z.string());

export const questionVerbs: Readonly<Record<string, Verb>> = {
  'upstream asks': verb(z.record(z.string(), question), (scene, questions, name) => {
    const known = scene.call(name);
    const { body, send, finish } = scene.arrival(name);
    known.asked = new Map(Object.entries(questions).map(([key, one]) => [key, { ...one }]));
    if (scene.leg.upstream === '2025') {
      for (const [key, one] of known.asked) {
        one.upstreamId = `${name}/${key}`;
        send(text({ id: one.upstreamId, ...questionOf('2025', one, `of ${key}`) }));
      }
      return;
    }
    known.upstreamState = `state ${scene.newId()}`;
    const inputRequests = questions;
    const result = { resultType: 'input_required', inputRequests, requestState: known.upstreamState };
    finish(text({ id: body.id, result }));
  }),
  /** Everything that the upstream asked, and nothing else; in any order. */
  'client is asked': verb(z.undefined(), async (scene, _nothing, name) => {
    const known = scene.call(name);
    if (scene.leg.client === '2025') await asksOf2025(scene, known);
    else await asksOf2026(scene, known);
  }),
  /** Where it listens for what belongs to no call; of 2025 alone. */
  'client is asked aside': verb(z.undefined(), async (scene, _nothing, name) => {
    const known = scene.call(name);
    // What comes on one stream, or one pipe, does not tell what it belongs to.
    const inbox = scene.leg.over === 'http' ? scene.standing : known.sent.inbox;
    if (!inbox) throw new Error('the client listens to nothing');
    await asksOf2025(scene, known, { inbox });
  }),
  'client answers': verb(z.record(z.string(), answer), async (scene, answers, name) => {
    const known = scene.call(name);
    for (const [key, one] of Object.entries(answers)) asked(known, key).answer = one;
    if (scene.leg.client === '2025') {
      for (const key of Object.keys(answers))
        await scene.client.say({ jsonrpc: '2.0', id: asked(known, key).clientId, ...answers[key] });
      return;
    }
    const params = again(known, (one) => String(one.clientId), known.clientState);
    known.id = scene.newId();
    known.sent = sent(scene, known.id, { ...known, params });
  }),
  /** Each gets the answer to its question; with names, those alone and with what stands there. */
  'upstream is answered': verb(z.record(z.string(), answer).optional(), async (scene, given, name) => {
    const known = scene.call(name);
    for (const [key, one] of Object.entries(given ?? {})) asked(known, key).answer = one;
    if (scene.leg.upstream === '2025') {
      for (const one of known.asked.values()) {
        if (one.answer === undefined) continue;
        const arrival = await scene.server.inbox.take(
          ({ body }) => body.method === undefined && body.id === one.upstreamId,
        );
        scene.expect({ jsonrpc: '2.0', id: one.upstreamId, ...one.answer }, arrival?.text ?? '');
      }
      return;
    }
    const keys = new Map([...known.asked].map(([key, one]) => [one, key]));
    const params = again(known, (one) => keys.get(one) ?? '', known.upstreamState);
    known.arrival = await arriving(scene, known, params);
  }),
  'upstream withdraws': verb(names, (scene, keys, name) => {
    for (const key of keys) {
      const requestId = asked(scene.call(name), key).upstreamId;
      scene.arrival(name).send(text({ method: 'notifications/cancelled', params: { requestId } }));
    }
  }),
  'client hears withdrawal': verb(names, async (scene, keys, name) => {
    const known = scene.call(name);
    for (const key of keys) {
      const { body, text: said } = await scene.next(known.sent);
      const params = { requestId: asked(known, key).clientId, ...(body.params?.reason && { reason: '…' }) };
      scene.expect({ jsonrpc: '2.0', method: 'notifications/cancelled', params }, said);
    }
  }),
};

function asked({ asked: all }: Known, key: string): Asked {
  const found = all.get(key);
  if (!found) throw new Error(`nothing was asked under the name ${key}`);
  return found;
}

/** The call as 2026 makes it again: with the answers and the state it was given. */
function again(known: Known, keyOf: (one: Asked) => string, state: string | undefined): Json {
  const answers = [...known.asked.values()].flatMap((one) =>
    one.answer && 'result' in one.answer ? [[keyOf(one), one.answer.result] as const] : [],
  );
  return {
    ...known.params,
    inputResponses: Object.fromEntries(answers),
    ...(state !== undefined && { requestState: state }),
  };
}

async function asksOf2025(scene: Scene, known: Known, where: Sent = known.sent): Promise<void> {
  const open = new Set(known.asked.values());
  while (open.size > 0) {
    const { text: said, body } = await scene.next(where);
    const one = [...open].find((each) => agrees(scene, each, exact(said) as Question));
    if (body.id === undefined || one === undefined) throw new Error(`nobody asked this: ${said}`);
    one.clientId = body.id;
    open.delete(one);
  }
}

async function asksOf2026(scene: Scene, known: Known): Promise<void> {
  const said = await ends(scene, known);
  const { inputRequests = {} } = (exact(said) as { result?: Json }).result ?? {};
  const inputs = Object.entries(inputRequests as Record<string, Question>);
  for (const [key, input] of inputs) {
    const one = [...known.asked.values()].find((each) => agrees(scene, each, input));
    if (!one) throw new Error(`nobody asked this: ${said}`);
    one.clientId = key;
  }
  if (inputs.length !== known.asked.size) throw new Error(`not all of it was asked: ${said}`);
  known.clientState = JSON.parse(said).result.requestState;
  const state = scene.leg.upstream === '2026' ? known.upstreamState : '…';
  const result = { resultType: 'input_required', inputRequests: '…', requestState: state };
  const told = scene.leg.upstream === '2026' ? result : madeBy(GATEWAY, result);
  scene.expect({ jsonrpc: '2.0', id: known.id, result: told }, said);
}

/** Whether this is the question, as the client's era has it. */
function agrees({ leg }: Scene, one: Asked, { method, params }: Question): boolean {
  const elicitationId = leg.upstream === '2025' ? `of ${one.upstreamId?.split('/').at(-1)}` : '…';
  const wanted = questionOf(leg.client, { method: one.method, params: one.params }, elicitationId);
  return wanted.method === method && differences(written(wanted.params), params).length === 0;
}
