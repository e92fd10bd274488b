// Servers that let nothing in that is not signed, over real sockets: every message of both eras verifies.
import { describe, expect, test } from 'bun:test';
import { HMAC_FORM, verifyHmac } from '../../plugins/signatures/hmac-v1.ts';
import type { Message } from '../../plugins/signatures/message.ts';
import { COMPONENTS } from '../../plugins/signatures/rfc9421.ts';
import { verifyRfc9421 } from '../../plugins/signatures/rfc9421-verify.ts';
import signing from '../../plugins/signing.ts';
import { ask, call, listen, openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { answer, type Behaviour, type Hit, json, status, stream } from '../fixtures/rogue.ts';
import { running } from '../fixtures/running.ts';
import { ruleOf } from '../fixtures/signing/rule.ts';
import { send } from '../fixtures/wire.ts';

const run = running();
const plugins = { signing };
const secret = 'CANARY-a secret of more than 32 bytes';
const keys = [{ id: 'k1', secret }];

/** The request as the server sees it: nothing of it comes from the gateway's own idea of it. */
const seen = ({ method, path, headers, text }: Hit): Message => ({
  method,
  url: `http://${headers.host}${path}`,
  headers: headers as Record<string, string>,
  body: text,
});

type Verify = (message: Message) => string;

const schemes: Record<string, () => Verify> = {
  'hmac-v1': () => {
    const own = keys.map((key) => ({ ...key, encoding: 'text' as const }));
    const rule = ruleOf({ form: HMAC_FORM, keys: own });
    return (message) => verifyHmac(message, { ...rule, now: Date.now() }).id;
  },
  rfc9421: () => {
    const algorithm = 'hmac-sha256' as const;
    const own = keys.map(({ id, secret: text }) => ({ id, algorithm, material: Buffer.from(text) }));
    const rule = ruleOf({ keys: own, components: COMPONENTS, longest: 300_000 });
    return (message) => verifyRfc9421(message, { ...rule, now: Date.now() }).id;
  },
};

/** Answers 401 to what does not verify, and notes both. */
function guarded(verify: Verify, well: Behaviour) {
  const verdicts: string[] = [];
  const before: Behaviour = (hit, res, rogue) => {
    const kind = hit.method === 'POST' ? (hit.message.method ?? 'an answer') : hit.method;
    try {
      verdicts.push(`${kind} by ${verify(seen(hit))}`);
      return well(hit, res, rogue);
    } catch (error) {
      verdicts.push(`${kind}: ${error}`);
      return status(res, 401);
    }
  };
  return { before, verdicts };
}

const configured = (url: string, scheme: string, more: object = {}) =>
  configOf({ up: { url: `${url}?tenant=a%2Fb`, pipeline: [{ signing: { scheme, keys } }], ...more } });

for (const [scheme, verifier] of Object.entries(schemes)) {
  describe(scheme, () => {
    test('a server of 2025: from initialize to DELETE, with the standing stream', async () => {
      const { before, verdicts } = guarded(
        verifier(),
        ({ method }, res) => method === 'GET' && stream(res, ':\n\n'),
      );
      const rogue = await run.rogue((hit, res) => json(res, answer(hit)), { era: '2025', before });
      const gateway = await startInProcess(configured(rogue.url, scheme, { era: '2025' }), { plugins });
      const session = await openSession(gateway.url);
      const standing = await session.stream();
      await rogue.nth('GET');
      expect((await session.call('tool')).status).toBe(200);
      await send(gateway.url, { method: 'DELETE', headers: session.headers }).then((told) => told.text());
      await gateway.stop();
      await standing.messages().catch(() => {});
      expect(new Set(verdicts)).toEqual(
        new Set(
          ['initialize', 'notifications/initialized', 'tools/call', 'GET', 'DELETE'].map(
            (kind) => `${kind} by k1`,
          ),
        ),
      );
      expect(JSON.stringify(gateway.lines)).not.toContain('CANARY');
    });

    test('a server of 2026: discovery, calls, a subscription', async () => {
      const { before, verdicts } = guarded(verifier(), (hit, res) =>
        hit.message.method === 'subscriptions/listen' ? stream(res, ':\n\n') : false,
      );
      const rogue = await run.rogue((hit, res) => json(res, answer(hit)), { before });
      const gateway = await startInProcess(configured(rogue.url, scheme), { plugins });
      expect(await (await call(gateway.url, 'tool')).messages()).toMatchObject([{ result: {} }]);
      await (await ask(gateway.url, 'prompts/get', { name: 'p' }, { name: 'p' })).messages();
      const subscribing = listen(gateway.url, { toolsListChanged: true });
      await rogue.nth('subscriptions/listen');
      await gateway.stop();
      await subscribing.catch(() => {});
      expect(verdicts.filter((verdict) => !verdict.endsWith(' by k1'))).toEqual([]);
      expect(verdicts).toContain('server/discover by k1');
      expect(verdicts).toContain('tools/call by k1');
      expect(verdicts).toContain('prompts/get by k1');
      expect(verdicts).toContain('subscriptions/listen by k1');
    });

    test('with another key nothing is let in', async () => {
      const { before, verdicts } = guarded(verifier(), () => false);
      const rogue = await run.rogue((hit, res) => json(res, answer(hit)), { before });
      const wrong = [{ id: 'k1', secret: 'another secret of more than 32 bytes' }];
      const up = { url: rogue.url, era: '2026', pipeline: [{ signing: { scheme, keys: wrong } }] };
      await using gateway = await startInProcess(configOf({ up }), { plugins });
      expect(await (await call(gateway.url, 'tool')).messages()).toMatchObject([{ error: {} }]);
      expect(new Set(verdicts)).toEqual(
        new Set(['server/discover: Error: the signature is refused: signature_wrong']),
      );
    });
  });
}
