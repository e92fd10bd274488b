// Callers with a certificate (mTLS): whom it stands for, by rules. Whether it is a good one the listener has found out,
// against the authorities it is configured with; one that was not verified is none.

import { type PeerCertificate, z } from '../../src/plugin.ts';
import { type Method, refused } from './attempt.ts';
import { idIn, principalOf, whomFields } from './whom.ts';

/** What a `*` does not stand for: what divides names of that kind, or escapes in them. */
const DIVIDERS = {
  subject: /([,+=\\])/,
  issuer: /([,+=\\])/,
  dns: /(\.)/,
  uri: /([/?#])/,
  email: /(@)/,
  ip: undefined,
} as const;
type Named = keyof typeof DIVIDERS;
const SANS = ['dns', 'uri', 'email', 'ip'] as const;

const pattern = (description: string, example: string) =>
  z
    .string()
    .min(1)
    .max(1_024)
    .optional()
    .meta({ description, examples: [example] });

const rule = z
  .strictObject({
    subject: pattern('Its subject, as RFC 2253 writes it.', 'CN=*,O=Acme'),
    issuer: pattern('The subject of who issued it, in the same form.', 'CN=Acme Agents,O=Acme'),
    dns: pattern('One of its names of a host.', '*.agents.acme.example'),
    uri: pattern('One of its URIs.', 'spiffe://acme.example/agent/*'),
    email: pattern('One of its mail addresses.', '*@acme.example'),
    ip: pattern('One of its IP addresses.', '192.0.2.7'),
    fingerprint: z
      .string()
      .regex(/^(?:[0-9A-Fa-f]{64}|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31})$/, 'not a SHA-256 in hexadecimal')
      .transform((text) => text.replaceAll(':', '').toLowerCase())
      .optional()
      .meta({ description: 'SHA-256 of the certificate, in hexadecimal, with or without colons.' }),
    ...whomFields('`id`, a colon, and what the certificate has there, as `uri:spiffe://acme.example/ci`'),
    id: z
      .enum(['subject', 'fingerprint', ...SANS])
      .meta({ description: 'What of the certificate is the id, where no `principal` is written.' })
      .prefault('subject'),
  })
  .refine(
    ({ subject, issuer, fingerprint, ...sans }) =>
      [subject, issuer, fingerprint, ...SANS.map((kind) => sans[kind])].some((each) => each !== undefined),
    'needs something of the certificate, or it is for all of them',
  );

export const certificatesSchema = z.array(rule).min(1).meta({
  description:
    'Callers with a client certificate that the listener has verified: the first rule of which everything fits says whom it stands for. `*` stands for anything without a divider.',
});

type Rule = z.output<typeof rule>;

export function certificates(rules: readonly Rule[]): Method {
  const all = rules.map((each) => ({ rule: each, fits: matcherOf(each) }));
  return {
    name: 'certificates',
    verify(attempt) {
      const certificate = attempt.peer()?.tls;
      // Who sends a token is whom the token says, wherever it is bound to the certificate or not.
      if (!certificate || attempt.authorization) return undefined;
      if (!certificate.authorized) return refused('certificate_not_verified');
      if (certificate.validTo <= attempt.now) return refused('certificate_expired');
      const found = all.find(({ fits }) => fits(certificate));
      if (!found) return refused('certificate_unknown');
      const id = idOf(found.rule, certificate);
      if (id === undefined) return refused('certificate_without_id');
      return { kind: 'found', principal: principalOf(found.rule, id, certificate.validTo) };
    },
  };
}

/** Several names of the kind: which of them it is would be a guess. */
function idOf({ principal, id }: Rule, certificate: PeerCertificate): string | undefined {
  if (principal !== undefined) return principal;
  const [only, another] = id === 'fingerprint' ? [certificate.fingerprint256] : namesOf(certificate, id);
  if (another !== undefined || only === undefined || only === '') return undefined;
  // What an authority has written must not be taken for a name that stands in gateway.yaml, nor for one of another kind.
  return idIn(id, only);
}

function matcherOf(rule: Rule): (certificate: PeerCertificate) => boolean {
  const kinds = (Object.keys(DIVIDERS) as Named[]).flatMap((kind) => {
    const wanted = rule[kind];
    return wanted === undefined ? [] : [{ kind, fits: patternOf(wanted, kind) }];
  });
  return (certificate) =>
    (rule.fingerprint === undefined || rule.fingerprint === certificate.fingerprint256) &&
    kinds.every(({ kind, fits }) => namesOf(certificate, kind).some(fits));
}

function namesOf(certificate: PeerCertificate, kind: Named): readonly string[] {
  if (kind === 'subject' || kind === 'issuer') return [certificate[kind]];
  const names = certificate.san[kind] ?? [];
  return kind === 'dns' ? names.map((name) => name.toLowerCase()) : names;
}

type Test = (name: string) => boolean;

/** Part by part, so that none of it can be made to take long: a certificate may have names of any length. */
function patternOf(text: string, kind: Named): Test {
  const parts = (name: string): string[] => {
    const dividers = DIVIDERS[kind];
    return dividers === undefined ? [name] : name.split(dividers);
  };
  const tests = parts(kind === 'dns' ? text.toLowerCase() : text).map(partOf);
  return (name) => {
    const own = parts(name);
    return own.length === tests.length && tests.every((test, at) => test(own[at] ?? ''));
  };
}

/** Each `*` stands for one character at least. */
function partOf(text: string): Test {
  const [first = '', ...rest] = text.split('*');
  const last = rest.pop();
  if (last === undefined) return (part) => part === text;
  return (part) => {
    if (!part.startsWith(first)) return false;
    let end = first.length;
    for (const each of rest) {
      const found = part.indexOf(each, end + 1);
      if (found < 0) return false;
      end = found + each.length;
    }
    return part.endsWith(last) && part.length - last.length > end;
  };
}
