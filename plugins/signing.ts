// Signs what is sent to one upstream, over the bytes that leave. Which scheme, with which keys: its options.
// How each scheme signs: plugins/signing/, and plugins/signatures/ where it is verified, too.

import { definePlugin, type OptionProblem, type Outbound, z } from '../src/plugin.ts';
import { hmacSchema, signHmac } from './signatures/hmac-v1.ts';
import type { Dated } from './signatures/keys.ts';
import { rfc9421Schema, signingKeys, signRfc9421 } from './signatures/rfc9421.ts';
import { signWebhook, webhooksSchema } from './signatures/webhooks.ts';
import { apiKeySchema, signApiKey } from './signing/api-key.ts';
import { canSignQuery, signSigv4, sigv4Schema } from './signing/sigv4.ts';

const schema = z.discriminatedUnion('scheme', [
  hmacSchema,
  apiKeySchema,
  rfc9421Schema,
  webhooksSchema,
  sigv4Schema,
]);

type Headers = Record<string, string>;
/** The headers that sign a message. Throws when no key is valid at that time. */
type Sign = (message: Outbound, now: number) => Headers | Promise<Headers>;

function signerOf(options: z.output<typeof schema>): Sign {
  switch (options.scheme) {
    case 'hmac-v1':
      return (message, now) => signHmac(message, options, options.keys, now);
    case 'api-key':
      return (_message, now) => signApiKey(options.headers, options.keys, now);
    case 'rfc9421': {
      const keys = signingKeys(options);
      return (message, now) => signRfc9421(message, options, keys, now);
    }
    case 'standard-webhooks':
      return (message, now) => signWebhook(message, options.headers, options.keys, now);
    case 'aws-sigv4':
      return (message, now) => signSigv4(message, options, options.keys, now);
  }
}

export default definePlugin({
  name: 'signing',
  api: 1,
  about: 'Signs every message to an upstream, over the bytes that leave.',
  schema,
  check({ keys, scheme }, { now, urls }) {
    const problems: OptionProblem[] = [];
    const all: readonly Dated[] = keys;
    if (all.every(({ not_after }) => not_after !== undefined && not_after <= now())) {
      const hint = 'add one that is good now';
      problems.push({ path: ['keys'], message: 'every key of the entry is past its not_after', hint });
    }
    if (scheme === 'aws-sigv4' && !urls.every(canSignQuery)) {
      const hint = 'write %25 for the character itself';
      const message = 'the query of the URL cannot be signed: a "%" in it begins no escape';
      problems.push({ path: ['scheme'], message, hint });
    }
    return problems;
  },
  setup(options, host) {
    // In the pipeline of all, one key would go to every upstream, and greetings would leave unsigned.
    if (host.upstream === undefined)
      throw new Error('signing belongs into upstreams.NAME.pipeline: a key is for one upstream');
    const sign = signerOf(options);
    return {
      passesOn: [],
      async onSend(outbound) {
        if (outbound.transport === 'stdio')
          throw new Error('what goes to a process has no headers to sign in');
        const headers = await sign(outbound, host.now());
        return { ...outbound, headers: { ...outbound.headers, ...headers } };
      },
    };
  },
});
