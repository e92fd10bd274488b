// What the server does with the calls that reach it.
import { z } from 'zod';
import { until } from '../fixtures/until.ts';
import { headerValue } from './client-http.ts';
import { answered, declaredIn, type Json, paramsOf, text } from './eras.ts';
import type { Known, Scene } from './scene.ts';
import type { Arrival } from './upstream-wire.ts';
import { type Verb, verb } from './verb.ts';

const object = z.record(z.string(), z.unknown());
const nothing = z.undefined();

export const upstreamVerbs: Readonly<Record<string, Verb>> = {
  /** The call arrives, as the client made it unless `params` says otherwise. */
  'upstream gets': verb(
    z.strictObject({ method: z.string().optional(), params: object.optional() }).default({}),
    async (scene, { params }, name) => {
      const known = scene.call(name);
      known.arrival = await arriving(scene, known, params ?? known.params);
    },
  ),
  'upstream answers': verb(object, (scene, value, name) => {
    const { body, finish } = scene.arrival(name);
    const result = answered(scene.leg.upstream, body.method, value);
    finish(text({ id: body.id, result }));
  }),
  /** To the letter, whatever the era adds. */
  'upstream answers with': verb(object, (scene, result, name) => {
    const { body, finish } = scene.arrival(name);
    finish(text({ id: body.id, result }));
  }),
  'upstream fails': verb(
    z.strictObject({ code: z.number(), message: z.string(), data: z.unknown().optional() }),
    (scene, error, name) => {
      const { body, finish } = scene.arrival(name);
      finish(text({ id: body.id, error }));
    },
  ),
  'upstream reports': verb(object, (scene, report, name) => {
    const { body, send } = scene.arrival(name);
    const { progressToken } = body.params._meta;
    send(text({ method: 'notifications/progress', params: { progressToken, ...report } }));
  }),
  'upstream logs': verb(object, (scene, params, name) => {
    scene.arrival(name).send(text({ method: 'notifications/message', params }));
  }),
  /** On the call's stream, as it stands. */
  'upstream sends': verb(object, (scene, message, name) => {
    scene.arrival(name).send(text(message));
  }),
  /** What the era means by a cancellation. */
  'upstream hears cancel': verb(nothing, async (scene, _nothing, name) => {
    const { body, gone, link } = scene.arrival(name);
    if (scene.leg.upstream === '2026' && gone) return gone;
    const is = (each: Arrival): boolean =>
      each.body.method === 'notifications/cancelled' &&
      each.link === link &&
      each.body.params.requestId === body.id;
    await scene.server.inbox.take(is);
  }),
  /** Anything else that reaches it. */
  'upstream hears': verb(object, async (scene, expected) => {
    const arrival = await scene.server.inbox.take(({ body }) => body.method === expected.method);
    scene.expect({ jsonrpc: '2.0', ...expected }, arrival?.text ?? '');
  }),
  'upstream hears answer': verb(object, async (scene, expected) => {
    const arrival = await scene.server.inbox.take(
      ({ body }) => body.method === undefined && body.id === expected.id,
    );
    scene.expect({ jsonrpc: '2.0', ...expected }, arrival?.text ?? '');
  }),
  'upstream cuts': verb(nothing, (scene, _nothing, name) => scene.arrival(name).cut()),
  /** With all its connections or processes, and the gateway has noticed. */
  'upstream dies': verb(nothing, async (scene) => {
    const ended = () => scene.gateway.lines.filter(({ message }) => message === 'link ended').length;
    const before = ended();
    scene.server.wire.die();
    if (scene.leg.via !== 'http') await until(() => ended() > before);
  }),
  'upstream forgets its sessions': verb(nothing, (scene) => scene.server.wire.forget()),
  /** The gateway has its last answer, whoever is to have it. */
  'upstream has been heard': verb(nothing, (scene) =>
    until(() => scene.gateway.gateway.report().upstreams[0]?.calls === 0),
  ),
  'upstream was greeted': verb(z.strictObject({ times: z.number() }), (scene, { times }) => {
    if (scene.server.greetings !== times) throw new Error(`it was greeted ${scene.server.greetings} times`);
  }),
};

/** The next request for a call: what it must say in the server's era, and in its headers. */
export async function arriving(scene: Scene, known: Known, params: Json | undefined): Promise<Arrival> {
  const { leg, server, walk } = scene;
  const arrival = await server.inbox.take(
    ({ body }) => body.method === known.method && body.id !== undefined,
  );
  if (!arrival) throw new Error('the upstream is gone');
  const { token, level, method } = known;
  const wanted = { method, params, token: token === undefined ? undefined : '…', level };
  const capabilities = declaredIn('2026', walk.capabilities);
  const expected = paramsOf(leg.upstream, wanted, capabilities) ?? {};
  const { id, ...rest } = arrival.body;
  if (typeof id !== 'number') throw new Error(`the id is not ours: ${arrival.text}`);
  scene.expect(
    { jsonrpc: '2.0', id: '…', method, params: expected },
    rest.params === undefined ? arrival.text.replace(/\}$/, ',"params":{}}') : arrival.text,
  );
  const level2025 = server.levels.get(arrival.link);
  if (leg.upstream === '2025' && level !== undefined && level2025 !== level)
    throw new Error(`the level was to be ${level}, is ${level2025}`);
  if (arrival.headers) checkHead(arrival, leg.upstream);
  return arrival;
}

const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

function checkHead({ headers = {}, body, link }: Arrival, era: string): void {
  const name = body.params?.[NAMED[body.method] ?? ''];
  const wanted: Json =
    era === '2026'
      ? {
          'mcp-method': body.method,
          'mcp-name': typeof name === 'string' ? headerValue(name) : undefined,
          'mcp-session-id': undefined,
        }
      : { 'mcp-method': undefined, 'mcp-name': undefined, 'mcp-session-id': link };
  for (const [header, value] of Object.entries(wanted)) {
    if (headers[header] !== value) throw new Error(`${header} was to be ${value}, is ${headers[header]}`);
  }
  if (headers.origin !== undefined || headers.cookie !== undefined || headers.authorization !== undefined)
    throw new Error('a header of the client was passed on');
}
