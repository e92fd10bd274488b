// The option that says who may vouch for a server that has a certificate of the operator's own.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that

import { X509Certificate } from 'node:crypto';
import { z } from '../../src/plugin.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export const authorities = z
  .string()
  .refine(areCertificates, {
    error: 'is no certificate in PEM: write a reference to the file, "${file:./ca.pem}"',
  })
  .meta({
    description:
      'Who may vouch for its servers: certificates of authorities in PEM, by a reference to their file. Nobody else may then, the authorities of the machine included.',
    examples: ['${file:./internal-ca.pem}'],
  });

function areCertificates(text: string): boolean {
  const all = text.match(BLOCK) ?? [];
  try {
    return all.length > 0 && all.every((pem) => new X509Certificate(pem).raw.length > 0);
  } catch {
    return false;
  }
}
