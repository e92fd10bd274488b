// TLS of a listener: certificates by the name a client asks for, exchanged while connections come in. What they are
// it is given as text; it reads no file.

import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls';
import type { CertifiedKey } from '../lib/certificate.ts';

/** PEM texts. */
export interface TlsMaterial extends CertifiedKey {
  /** For certain names that a client may ask for; `*.` in front stands for any one label. */
  readonly names: ReadonlyMap<string, CertifiedKey>;
  /** Who vouches for clients. */
  readonly authorities?: string | undefined;
}

export interface TlsSettings {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Whether clients show a certificate; one that is asked for and wrong is told apart by `authorized`. */
  readonly client: 'none' | 'asked' | 'required';
  /** Milliseconds that a handshake may take. */
  readonly handshake: number;
}

export interface TlsServer {
  readonly server: Server;
  /** For handshakes from here on. @throws Error when it cannot be used; then nothing has changed */
  renew(material: TlsMaterial): void;
}

/** @throws Error when the material cannot be used */
export function createTlsServer(
  material: TlsMaterial,
  { minVersion, client, handshake }: TlsSettings,
  connected: (socket: TLSSocket) => void,
): TlsServer {
  const contextOf = (pair: CertifiedKey, authorities: string | undefined) => ({
    cert: pair.cert,
    key: pair.key,
    minVersion,
    ...(authorities !== undefined && client !== 'none' && { ca: authorities }),
  });
  const namesOf = ({ names, authorities }: TlsMaterial): Map<string, SecureContext> =>
    new Map([...names].map(([name, pair]) => [name, createSecureContext(contextOf(pair, authorities))]));
  let names = namesOf(material);
  const server = createServer(
    {
      ...contextOf(material, material.authorities),
      requestCert: client !== 'none',
      rejectUnauthorized: client === 'required',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: handshake,
      allowHalfOpen: true,
      SNICallback: (name, done) => done(null, named(names, name)),
    },
    connected,
  );
  return {
    server,
    renew(next) {
      const others = namesOf(next);
      // Throws before anything is exchanged.
      createSecureContext(contextOf(next, next.authorities));
      server.setSecureContext(contextOf(next, next.authorities));
      names = others;
    },
  };
}

function named(names: ReadonlyMap<string, SecureContext>, asked: string): SecureContext | undefined {
  const name = asked.toLowerCase().replace(/\.$/, '');
  return names.get(name) ?? names.get(name.replace(/^[^.]+/, '*'));
}
