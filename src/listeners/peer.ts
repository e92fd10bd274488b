// What is known of the other end of a connection.

import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Peer, PeerCertificate } from '../core/peer.ts';
import { validityOf } from '../lib/certificate.ts';
import { alternativeNames } from '../lib/san.ts';
import { credentialsOf } from './peer-credentials.ts';

/**
 * Asked for at once, while the connection certainly stands; what takes time is found when it is read.
 * @param local whether it came over a Unix socket
 */
export function peerOf(socket: Socket, local: boolean): () => Peer {
  const address = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '');
  const credentials = local ? credentialsOf(descriptorOf(socket)) : undefined;
  const raw = socket instanceof TLSSocket ? socket.getPeerCertificate()?.raw : undefined;
  const authorized = socket instanceof TLSSocket && socket.authorized;
  let peer: Peer | undefined;
  return () => {
    peer ??= { address, credentials, tls: raw && certificateOf(raw, authorized) };
    return peer;
  };
}

function certificateOf(raw: Uint8Array, authorized: boolean): PeerCertificate {
  const certificate = new X509Certificate(raw);
  return {
    subject: inOneLine(certificate.subject),
    issuer: inOneLine(certificate.issuer),
    san: alternativeNames(raw),
    fingerprint256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    validTo: validityOf(certificate).to,
    authorized,
    raw: () => raw,
  };
}

/** RFC 2253 has the last part of a name first; the parts are escaped as it wants them already. */
function inOneLine(name: string | undefined): string {
  return (name ?? '').split('\n').reverse().join(',');
}

/** The runtime has no public way to it (Bun 1.4.5). */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { fd?: unknown } | null };
  return typeof handle?.fd === 'number' ? handle.fd : -1;
}
