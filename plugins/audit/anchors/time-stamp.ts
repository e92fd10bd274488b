// Time stamps of RFC 3161: what an authority is asked, and whether what it answers holds.

import { constants, createHash, type KeyObject, randomBytes, verify, X509Certificate } from 'node:crypto';
import type { SignerInfo } from '@peculiar/asn1-cms';
import { AsnParser, AsnSerializer, OctetString } from '@peculiar/asn1-schema';
import { id_ct_tstInfo, MessageImprint, TimeStampReq, TimeStampResp, TSTInfo } from '@peculiar/asn1-tsp';
import { AlgorithmIdentifier } from '@peculiar/asn1-x509';
import { AttributeSet, Signed, SigningCertificate } from './token-form.ts';
import { certificatesOf, isForTimeStamps, isVouchedFor } from './trusted.ts';

const SHA256 = '2.16.840.1.101.3.4.2.1';

/** Hashes by their object identifier: those that nobody has broken. */
const HASHES: Readonly<Record<string, string>> = {
  [SHA256]: 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** What a signature is over, where its algorithm says it. */
const SIGNATURES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};
const RSA_PSS = '1.2.840.113549.1.1.10';

const [SIGNED_DATA, CONTENT_TYPE, MESSAGE_DIGEST] = [
  '1.2.840.113549.1.7.2',
  '1.2.840.113549.1.9.3',
  '1.2.840.113549.1.9.4',
];
/** SigningCertificateV2, and the older one, whose hash is SHA-1: good enough to say which of a few it is. */
const SIGNING = ['1.2.840.113549.1.9.16.2.47', '1.2.840.113549.1.9.16.2.12'] as const;

export interface Asked {
  /** DER, as it is sent. */
  readonly request: Uint8Array<ArrayBuffer>;
  readonly nonce: Buffer;
}

/** What an authority is sent to have these bytes stamped: their digest, and nothing else of them. */
export function askFor(content: Uint8Array): Asked {
  // Its first bit clear, and not its first byte: it is a number.
  const nonce = randomBytes(8);
  nonce[0] = ((nonce[0] ?? 0) & 0x7f) | 0x40;
  const imprint = new MessageImprint({
    hashAlgorithm: new AlgorithmIdentifier({ algorithm: SHA256, parameters: null }),
    hashedMessage: new OctetString(digest('sha256', content)),
  });
  const request = new TimeStampReq({ certReq: true, messageImprint: imprint, nonce: exact(nonce) });
  return { request: new Uint8Array(AsnSerializer.serialize(request)), nonce };
}

export interface Stamped {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly serial: string;
  /** Who signed it. */
  readonly subject: string;
}

/**
 * @param answer DER of a whole response
 * @param content what was stamped
 * @param pem certificates of the authorities, or of the one that signs
 * @param nonce what was asked with; undefined: long ago, and nobody knows any more
 * @throws Error with what does not hold
 */
export function checkStamp(
  answer: Uint8Array,
  content: Uint8Array,
  pem: string,
  nonce?: Uint8Array,
): Stamped {
  const { status, timeStampToken } = parse(answer, TimeStampResp, 'no time-stamp response');
  require(status.status <= 1 && timeStampToken !== undefined, 'the authority refused to stamp it');
  require(timeStampToken?.contentType === SIGNED_DATA, 'the token is not signed');
  const signed = parse(new Uint8Array(timeStampToken?.content ?? []), Signed, 'no time-stamp token');
  const { eContentType, eContent } = signed.encapContentInfo;
  const inner = eContent?.single?.buffer;
  require(eContentType === id_ct_tstInfo && inner !== undefined, 'the token is no time stamp');
  const info = parse(new Uint8Array(inner ?? []), TSTInfo, 'no time stamp in the token');
  checkInfo(info, content, nonce);
  const subject = checkSigner(signed, new Uint8Array(inner ?? []), pem, info.genTime.getTime());
  return { time: info.genTime.getTime(), serial: hex(info.serialNumber), subject };
}

function checkInfo({ messageImprint, nonce }: TSTInfo, content: Uint8Array, asked?: Uint8Array): void {
  const hash = HASHES[messageImprint.hashAlgorithm.algorithm];
  require(hash !== undefined, 'the digest of the time stamp is one that nobody should use');
  const wanted = digest(hash as string, content);
  require(wanted.equals(bytes(messageImprint.hashedMessage.buffer)), 'the time stamp is of something else');
  const isAnswer = asked === undefined || (nonce !== undefined && bytes(nonce).equals(Buffer.from(asked)));
  require(isAnswer, 'the time stamp answers another request');
}

/** @returns who signed */
function checkSigner(signed: Signed, inner: Uint8Array, pem: string, time: number): string {
  const authorities = certificatesOf(pem);
  const came = (signed.certificates ?? []).map((each) => new X509Certificate(bytes(each)));
  const [signer, ...more] = signed.signerInfos;
  require(signer !== undefined && more.length === 0, 'the token is not signed by one');
  const certificate = [...came, ...authorities].find((each) => isNamed(signer as SignerInfo, each));
  require(certificate !== undefined, 'the certificate of the signature is missing');
  const own = certificate as X509Certificate;
  checkSignature(signer as SignerInfo, inner, own.publicKey);
  require(isForTimeStamps(own), 'the certificate is not for time stamps alone');
  require(isVouchedFor(
    own,
    came,
    authorities,
    time,
  ), 'no authority that is trusted vouches for the signature');
  return own.subject.replaceAll('\n', ', ');
}

/** The certificate that the signed attributes name by its hash. */
function isNamed(signer: SignerInfo, certificate: X509Certificate): boolean {
  const [type = '', value] = SIGNING.map((each) => [each, attribute(signer, each)] as const).find(
    ([, found]) => found !== undefined,
  ) ?? [''];
  if (value === undefined) return false;
  const [id] = parse(value, SigningCertificate, 'the signature names no certificate').certs;
  const byItsOwn = id?.hashAlgorithm ? HASHES[id.hashAlgorithm.algorithm] : 'sha256';
  const hash = type === SIGNING[0] ? byItsOwn : 'sha1';
  return (
    id !== undefined && hash !== undefined && digest(hash, certificate.raw).equals(bytes(id.certHash.buffer))
  );
}

function checkSignature(signer: SignerInfo, inner: Uint8Array, key: KeyObject): void {
  const hash = HASHES[signer.digestAlgorithm.algorithm];
  require(hash !== undefined, 'the digest of the signature is one that nobody should use');
  const type = attribute(signer, CONTENT_TYPE);
  require(type !== undefined && bytes(type).subarray(2).equals(TST_INFO), 'what was signed is no time stamp');
  const value = attribute(signer, MESSAGE_DIGEST);
  const wanted = digest(hash as string, inner);
  require(value !== undefined &&
    bytes(value).subarray(2).equals(wanted), 'the time stamp is not the one that was signed');
  const over = bytes(AsnSerializer.serialize(new AttributeSet(signer.signedAttrs ?? [])));
  const { algorithm } = signer.signatureAlgorithm;
  const isEdwards = key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyType === 'ed448';
  const by = isEdwards ? null : (SIGNATURES[algorithm] ?? (hash as string));
  const padding = algorithm === RSA_PSS ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {};
  const isRight = verify(by, over, { key, ...padding }, bytes(signer.signature.buffer));
  require(isRight, 'the signature does not hold');
}

/** The value of id-ct-TSTInfo, behind tag and length. */
const TST_INFO = Buffer.from('2a864886f70d0109100104', 'hex');

/** DER of the one value that a signed attribute has. */
function attribute({ signedAttrs }: SignerInfo, type: string): Uint8Array | undefined {
  const found = (signedAttrs ?? []).filter(({ attrType }) => attrType === type);
  const [value, ...more] = found[0]?.attrValues ?? [];
  return value !== undefined && found.length === 1 && more.length === 0 ? new Uint8Array(value) : undefined;
}

function parse<T>(der: Uint8Array, as: new () => T, problem: string): T {
  try {
    return AsnParser.parse(der, as);
  } catch {
    throw new Error(problem);
  }
}

function require(holds: boolean, problem: string): asserts holds {
  if (!holds) throw new Error(problem);
}

const digest = (hash: string, content: Uint8Array): Buffer => createHash(hash).update(content).digest();
const bytes = (value: ArrayBuffer | Uint8Array): Buffer => Buffer.from(new Uint8Array(value));
const hex = (value: ArrayBuffer): string => bytes(value).toString('hex');

/** Of a buffer that may be a part of a larger one, its own bytes. */
function exact(buffer: Buffer): ArrayBuffer {
  return new Uint8Array(buffer).buffer;
}
