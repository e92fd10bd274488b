// Servers that let nothing in that is not signed, over real sockets: every message of both eras verifies.
import { describe, expect, test } from 'bun:test';
import { HMAC_FORM, verifyHmac } from '../../plugins/signatures/hmac-v1.ts';
import type { Message } from '../../plugins/signatures/message.ts';
import { COMPONENTS } from '../../plugins/signatures/rfc9421.ts';
import { verifyRfc9421 } from '../../plugins/signatures/rfc9421-verify.ts';
import { verifyWebhook, WEBHOOK_HEADERS } from '../../plugins/signatures/webhooks.ts';
import signing from '../../plugins/signing.ts';
import { definePlugin, z } from '../../src/plugin.ts';
import { ask, call, listen, openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { answer, type Behaviour, type Hit, json, status, stream } from '../fixtures/rogue.ts';
import { running } from '../fixtures/running.ts';
import { ruleOf } from '../fixtures/signing/rule.ts';
import { verifySigv4 } from '../fixtures/signing/verify.ts';
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

/** What each scheme is configured with beside its keys. */
const options: Record<string, object> = {
  'aws-sigv4': { region: 'eu-central-1', service: 'execute-api' },
};
const ringOf = (scheme: string, text: string) => [
  {
    id: 'k1',
    secret: scheme === 'standard-webhooks' ? `whsec_${Buffer.from(text).toString('base64')}` : text,
  },
];

const schemes: Record<string, () => Verify> = {
  'aws-sigv4': () => (message) =>
    verifySigv4(message, {
      region: 'eu-central-1',
      service: 'execute-api',
      keys,
      now: Date.now(),
      skew: 60_000,
    }),
  'standard-webhooks': () => {
    const rule = ruleOf({ headers: WEBHOOK_HEADERS, keys: ringOf('standard-webhooks', secret) });
    return (message) => {
      verifyWebhook(message, { ...rule, now: Date.now() });
      return 'k1';
    };
  },
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

const signingBy = (scheme: string, text = secret) => ({
  signing: { scheme, keys: ringOf(scheme, text), ...options[scheme] },
});
const configured = (url: string, scheme: string, more: object = {}) =>
  configOf({ up: { url: `${url}?tenant=a%2Fb`, pipeline: [signingBy(scheme)], ...more } });

/** Has another credential whenever a server turns a message away. */
const again = definePlugin({
  name: 'again',
  api: 1,
  about: 'Sends again what was turned away.',
  schema: z.strictObject({}),
  setup: () => ({ passesOn: [], onSend: (outbound) => outbound, onRefused: () => true }),
});

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

    test('what was turned away is signed anew', async () => {
      let isTurnedAway = false;
      const { before, verdicts } = guarded(verifier(), ({ message }, res) => {
        if (message.method !== 'tools/call' || isTurnedAway) return false;
        isTurnedAway = true;
        return status(res, 401);
      });
      const rogue = await run.rogue((hit, res) => json(res, answer(hit)), { before });
      const pipeline = [{ again: {} }, signingBy(scheme)];
      await using gateway = await startInProcess(configured(rogue.url, scheme, { pipeline }), {
        plugins: { ...plugins, again },
      });
      expect(await (await call(gateway.url, 'tool')).messages()).toMatchObject([{ result: {} }]);
      // The second is no replay of the first, which has used up its nonce.
      expect(verdicts.filter((verdict) => verdict.startsWith('tools/call'))).toEqual([
        'tools/call by k1',
        'tools/call by k1',
      ]);
    });

    test('with another key nothing is let in', async () => {
      const { before, verdicts } = guarded(verifier(), () => false);
      const rogue = await run.rogue((hit, res) => json(res, answer(hit)), { before });
      const wrong = signingBy(scheme, 'another secret of more than 32 bytes');
      const up = { url: rogue.url, era: '2026', pipeline: [wrong] };
      await using gateway = await startInProcess(configOf({ up }), { plugins });
      expect(await (await call(gateway.url, 'tool')).messages()).toMatchObject([{ error: {} }]);
      expect(new Set(verdicts)).toEqual(
        new Set(['server/discover: Error: the signature is refused: signature_wrong']),
      );
    });
  });
}
